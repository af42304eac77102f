//! peek-neighbour
