use super::*;

fn get(path: &str) -> Result<Route, NoRoute> {
    Route::parse(&Method::GET, path)
}

#[test]
fn each_address_has_one_meaning_for_each_method() {
    let id = || "p-1.x".to_owned();
    for (method, path, route) in [
        (Method::GET, "/metadata", Route::Metadata),
        (Method::HEAD, "/metadata", Route::Metadata),
        (Method::GET, "", Route::Page),
        (Method::GET, "/", Route::Page),
        (Method::POST, "", Route::Bundle),
        (Method::POST, "/", Route::Bundle),
        (Method::GET, "/Patient/p-1.x", Route::Read("Patient", id())),
        (Method::HEAD, "/Patient/p-1.x", Route::Read("Patient", id())),
        (
            Method::PUT,
            "/Patient/p-1.x",
            Route::Update("Patient", id()),
        ),
        (
            Method::PATCH,
            "/Patient/p-1.x",
            Route::Patch("Patient", id()),
        ),
        (
            Method::DELETE,
            "/Patient/p-1.x",
            Route::Delete("Patient", id()),
        ),
        (
            Method::GET,
            "/Patient/p-1.x/_history",
            Route::History("Patient", id()),
        ),
        (
            Method::GET,
            "/Patient/p-1.x/_history/3",
            Route::Vread("Patient", id(), "3".into()),
        ),
        (Method::GET, "/Observation", Route::Search("Observation")),
        (
            Method::POST,
            "/Observation/_search",
            Route::SearchForm("Observation"),
        ),
        (Method::POST, "/Observation", Route::Create("Observation")),
        (
            Method::PUT,
            "/Observation",
            Route::UpdateWhere("Observation"),
        ),
        (
            Method::PATCH,
            "/Observation",
            Route::PatchWhere("Observation"),
        ),
        (
            Method::DELETE,
            "/Observation",
            Route::DeleteWhere("Observation"),
        ),
        (
            Method::GET,
            "/Patient/p-1.x/Observation",
            Route::Compartment(id(), "Observation"),
        ),
        (
            Method::POST,
            "/Patient/p-1.x/Observation/_search",
            Route::CompartmentForm(id(), "Observation"),
        ),
        (
            Method::GET,
            "/Patient/p-1.x/$everything",
            Route::Ask(Operation::Everything, "Patient", Some(id())),
        ),
        (
            Method::POST,
            "/Observation/$validate",
            Route::Call(Operation::Validate, "Observation", None),
        ),
        (
            Method::GET,
            "/DocumentReference/$docref",
            Route::Ask(Operation::DocRef, "DocumentReference", None),
        ),
    ] {
        assert_eq!(Route::parse(&method, path), Ok(route), "{method} {path}");
    }
}

#[test]
fn an_encoded_spelling_means_what_the_plain_one_means() {
    for (encoded, plain) in [
        ("/%50atient/b", "/Patient/b"),
        ("/Patient/%62", "/Patient/b"),
        ("/Patient/b/%5fhistory", "/Patient/b/_history"),
        ("/Patient/b/%5Fhistory/%31", "/Patient/b/_history/1"),
        ("/Patient/b/%24everything", "/Patient/b/$everything"),
        ("/%6detadata", "/metadata"),
    ] {
        assert!(get(plain).is_ok(), "{plain}");
        assert_eq!(get(encoded), get(plain), "{encoded}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let long = format!("/Patient/{}", "a".repeat(65));
    let endless = format!("/Patient/{}", "a/".repeat(600));
    for path in [
        "/Patient/",
        "/Patient/b/",
        "/Patient//b",
        "//Patient/b",
        "/Patient/b//_history",
        "/Patient/b%2f_history",
        "/Patient/b%2F_history",
        "/Patient/b%5c_history",
        "/Patient%2fb",
        "/Patient;x/b",
        "/Patient/b;x=1",
        "/Patient/%2e%2e/b",
        "/Patient/../Observation",
        "/Patient/.",
        "/./Patient/b",
        "/Patient/b%00",
        "/Patient/b%0d%0aX: y",
        "/Patient/b%252f_history",
        "/Patient/%",
        "/Patient/%6",
        "/Patient/%zz",
        "/Patient/%c2%b7%c2%b7",
        "/Patient/%ef%bc%8e%ef%bc%8e",
        "/P%C3%A4tient/b",
        "/Patient/b c",
        "/Patient/b%20",
        "/Patient/b_1",
        "/Patient/b,c",
        "/Patient/b/_history/%2e%2e",
        long.as_str(),
        endless.as_str(),
    ] {
        assert!(
            matches!(get(path), Err(NoRoute::Malformed(_))),
            "{path}: {:?}",
            get(path)
        );
    }
}

#[test]
fn what_is_not_there_is_unknown_whatever_the_method() {
    for path in [
        "/patient/b",
        "/PATIENT/b",
        "/Bot",
        "/Bot/1",
        "/_history",
        "/_search",
        "/Patient/_history",
        "/Patient/b/*",
        "/Patient/b/Bot",
        "/Patient/b/observation",
        "/Encounter/e/Observation",
        "/Practitioner/x/Observation",
        "/Patient/b/Observation/o",
        "/Patient/b/_history/1/x",
        "/Group/g/$everything",
        "/Encounter/e/$everything",
        "/Patient/$everything",
        "/Patient/$export",
        "/$export",
        "/Group/g/$export",
        "/$reindex",
        "/Patient/b/$expunge",
        "/Patient/$match",
        "/Observation/$lastn",
        "/$process-message",
        "/$hello",
        "/Patient/b/$meta",
        "/DocumentReference/d/$docref",
        "/Patient/$docref",
        "/metadata/x",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let route = Route::parse(&method, path);
            // A star is not a letter of any name.
            let fine = matches!(route, Err(NoRoute::Unknown(_)))
                || (path.contains('*') && matches!(route, Err(NoRoute::Malformed(_))));
            assert!(fine, "{method} {path}: {route:?}");
        }
    }
}

#[test]
fn a_method_that_an_address_does_not_have_is_answered_with_those_that_it_has() {
    let other = Method::from_bytes(b"FROB").unwrap();
    for (path, allowed) in [
        ("", BOTH),
        ("/metadata", READ),
        ("/Patient", OF_TYPE),
        ("/Patient/_search", FORM),
        ("/Patient/b", OF_INSTANCE),
        ("/Patient/b/_history", READ),
        ("/Patient/b/_history/1", READ),
        ("/Patient/b/Observation", READ),
        ("/Observation/$validate", FORM),
        ("/Patient/b/$everything", BOTH),
    ] {
        for method in [Method::TRACE, Method::CONNECT, other.clone()] {
            let route = Route::parse(&method, path);
            assert_eq!(route, Err(NoRoute::Method(allowed)), "{method} {path}");
        }
        assert_eq!(super::allowed(path), allowed, "{path}");
        for method in allowed {
            let route = Route::parse(method, path);
            assert!(route.is_ok(), "{method} {path}: {route:?}");
        }
    }
    assert_eq!(
        Route::parse(&Method::POST, "/Patient/b"),
        Err(NoRoute::Method(OF_INSTANCE))
    );
    assert_eq!(
        Route::parse(&Method::GET, "/Patient/_search"),
        Err(NoRoute::Method(FORM))
    );
    assert_eq!(
        Route::parse(&Method::DELETE, "/Patient/b/Observation"),
        Err(NoRoute::Method(READ))
    );
}
