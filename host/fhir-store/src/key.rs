//! How the store's records are named. Types and ids hold no `/`, so prefixes cannot collide.

/// The current version of a resource, with its facts.
pub(crate) fn head(resource_type: &str, id: &str) -> Vec<u8> {
    format!("h/{resource_type}/{id}").into_bytes()
}

/// All current versions of a type.
pub(crate) fn heads(resource_type: &str) -> Vec<u8> {
    format!("h/{resource_type}/").into_bytes()
}

/// The current version again, under each patient in whose compartment it is.
pub(crate) fn of_patient(patient: &str, resource_type: &str, id: &str) -> Vec<u8> {
    format!("p/{patient}/{resource_type}/{id}").into_bytes()
}

/// All current versions of a type in a patient's compartment.
pub(crate) fn all_of_patient(patient: &str, resource_type: &str) -> Vec<u8> {
    format!("p/{patient}/{resource_type}/").into_bytes()
}

/// The current version once more, under each patient, where the order "newest first" puts it:
/// what follows the prefix is its sort key.
pub(crate) fn newest(patient: &str, resource_type: &str, sort_key: &[u8]) -> Vec<u8> {
    let mut key = all_newest(patient, resource_type);
    key.extend_from_slice(sort_key);
    key
}

/// All current versions of a type in a patient's compartment, the newest first.
pub(crate) fn all_newest(patient: &str, resource_type: &str) -> Vec<u8> {
    format!("d/{patient}/{resource_type}/").into_bytes()
}

/// The mark that [`newest`] holds all that it should.
pub(crate) fn newest_is_whole() -> Vec<u8> {
    b"m/newest".to_vec()
}

/// All current versions of patients.
pub(crate) fn of_patients() -> Vec<u8> {
    b"p/".to_vec()
}

/// That a resource refers to another one; the value is empty.
pub(crate) fn reference(target: (&str, &str), resource_type: &str, id: &str) -> Vec<u8> {
    let (of, target) = target;
    format!("r/{of}/{target}/{resource_type}/{id}").into_bytes()
}

/// All resources of a type that refer to another one.
pub(crate) fn references(target: (&str, &str), resource_type: &str) -> Vec<u8> {
    reference(target, resource_type, "")
}

/// One version with its facts.
pub(crate) fn version(resource_type: &str, id: &str, version: u64) -> Vec<u8> {
    format!("v/{resource_type}/{id}/{version:020}").into_bytes()
}

/// One piece of the bytes of one version.
pub(crate) fn piece(resource_type: &str, id: &str, version: u64, piece: u32) -> Vec<u8> {
    format!("b/{resource_type}/{id}/{version:020}/{piece:06}").into_bytes()
}

/// The mark that the commit of a write intent happened.
pub(crate) fn intent(sequence: u64) -> Vec<u8> {
    format!("i/{sequence:020}").into_bytes()
}

/// What a request came to that may be sent again.
pub(crate) fn request(name: &str) -> Vec<u8> {
    format!("q/{name}").into_bytes()
}

/// That a resource of a patient shows a Binary; the value is empty. The entry stays when the
/// resource changes: who follows it looks whether it still holds.
pub(crate) fn shown(binary: &str, patient: &str, resource_type: &str, id: &str) -> Vec<u8> {
    format!("n/{binary}/{patient}/{resource_type}/{id}").into_bytes()
}

/// All that ever showed a Binary.
pub(crate) fn shown_by(binary: &str) -> Vec<u8> {
    format!("n/{binary}/").into_bytes()
}

/// `Binary.securityContext` as `Type/id`.
pub(crate) fn security_context(binary: &str) -> Vec<u8> {
    format!("c/{binary}").into_bytes()
}

/// One piece of the facts of one version that are too large for its head.
pub(crate) fn facts(resource_type: &str, id: &str, version: u64, piece: u32) -> Vec<u8> {
    format!("f/{resource_type}/{id}/{version:020}/{piece:06}").into_bytes()
}
