//! glovebox-fhir-store
