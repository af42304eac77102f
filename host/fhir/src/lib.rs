//! glovebox-fhir
