//! The protocol of the FHIR door: formats, headers, methods, limits, refusals. What is
//! allowed is decided elsewhere; here every answer must be one that a client can use.

use glovebox_tests::fhir::{JSON, entries, issue, launched, link, system};
use glovebox_tests::{Answer, Api, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

const ANNA: &str = "/fhir/main/Patient/anna-rossi";

async fn with(api: &Api, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(api.request(method, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    api.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_may_be_read_by_a_browser_and_is_never_kept_or_shown() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    let nobody = host.program(None);
    for (api, path, status) in [
        (&api, ANNA, 200),
        (&api, "/fhir/main/Patient?_count=1", 200),
        (&api, "/fhir/main/Patient/nobody", 404),
        (&api, "/fhir/main/nonsense", 404),
        (&api, "/fhir/main//Patient", 400),
        (&api, "/fhir/nowhere/Patient", 404),
        (&api, "/fhir", 404),
        (&api, "/fhir/main", 404),
        (&api, "/fhir/main/Observation?nonsense=1", 400),
        (&api, "/fhir/main/Patient?_format=xml", 406),
        (&nobody, ANNA, 401),
        (&nobody, "/fhir/main/metadata", 200),
    ] {
        let answer = with(api, Method::GET, path, &[("origin", "https://app.example")]).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
            ("content-type", "application/fhir+json; charset=utf-8"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'; sandbox",
            ),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let told = answer.header("access-control-expose-headers");
        for name in [
            "ETag",
            "Location",
            "Last-Modified",
            "WWW-Authenticate",
            "Retry-After",
        ] {
            assert!(told.contains(name), "{path}: {told}");
        }
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "",
            "{path}"
        );
        let kept = if path.ends_with("metadata") {
            "no-cache"
        } else {
            "no-store"
        };
        assert_eq!(answer.header("cache-control"), kept, "{path}");
        if status >= 400 {
            issue(&answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_without_a_token_for_every_address() {
    let host = TestHost::shared().await;
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "PUT"),
        (
            "access-control-request-headers",
            "authorization, content-type, if-match",
        ),
    ];
    for (path, allow) in [
        (ANNA, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/fhir/main", "GET, HEAD, POST, OPTIONS"),
        ("/fhir/main/metadata", "GET, HEAD, OPTIONS"),
        ("/fhir/main/Observation/_search", "POST, OPTIONS"),
        ("/fhir/main/no/such/thing", "OPTIONS"),
        (
            "/fhir/nowhere/Patient",
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
    ] {
        let answer = with(&host.program(None), Method::OPTIONS, path, &asked)
            .await
            .expect(204);
        assert_eq!(answer.header("allow"), allow, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        let headers = answer.header("access-control-allow-headers");
        for name in [
            "Authorization",
            "Content-Type",
            "Accept",
            "Prefer",
            "If-Match",
            "If-None-Match",
            "If-None-Exist",
            "DPoP",
            "X-Request-Id",
        ] {
            assert!(headers.contains(name), "{path}: {headers}");
        }
        let methods = answer.header("access-control-allow-methods");
        assert!(
            methods.contains("PUT") && methods.contains("PATCH"),
            "{path}: {methods}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_challenged_and_a_missing_scope_is_named() {
    let host = TestHost::shared().await;
    let missing = host.program(None).get(ANNA).await.expect(401);
    assert_eq!(missing.header("www-authenticate"), r#"Bearer realm="fhir""#);
    assert_eq!(issue(&missing), "login");
    let wrong = host.program(Some("nonsense")).get(ANNA).await.expect(401);
    assert_eq!(
        wrong.header("www-authenticate"),
        r#"Bearer realm="fhir", error="invalid_token""#
    );
    assert_eq!(issue(&wrong), "expired");
    let narrow = system(host, "system/Observation.rs").await;
    let refused = narrow.get(ANNA).await.expect(403);
    assert_eq!(
        refused.header("www-authenticate"),
        r#"Bearer realm="fhir", error="insufficient_scope", scope="system/Patient.r""#
    );
    assert_eq!(issue(&refused), "forbidden");
    // Two headers: which of them would another part read?
    let api = host.program(Some("nonsense"));
    let twice = with(
        &api,
        Method::GET,
        ANNA,
        &[("authorization", "Bearer other")],
    )
    .await;
    twice.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_version_is_told_so_and_only_after_the_decision() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    let read = api.get(ANNA).await.expect(200);
    let (tag, changed) = (
        read.header("etag").to_owned(),
        read.header("last-modified").to_owned(),
    );
    for (name, value, status) in [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"99\"", 200),
        ("if-modified-since", changed.as_str(), 304),
        ("if-modified-since", "Mon, 01 Jan 1990 00:00:00 GMT", 200),
    ] {
        let answer = with(&api, Method::GET, ANNA, &[(name, value)])
            .await
            .expect(status);
        assert_eq!(answer.header("etag"), tag, "{name}: {value}");
        assert_eq!(answer.text.is_empty(), status == 304);
    }
    // A tag is no way to find out what is there.
    let other = launched(host, "patient/*.rs", "tom-rossi").await;
    for path in [ANNA, "/fhir/main/Patient/nobody"] {
        for value in [tag.as_str(), "*"] {
            let answer = with(&other, Method::GET, path, &[("if-none-match", value)]).await;
            assert_eq!(issue(&answer.expect(404)), "not-found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_like_get_without_a_body() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    for path in [
        ANNA,
        "/fhir/main/Patient/nobody",
        "/fhir/main/Patient?_id=anna-rossi",
        "/fhir/main/metadata",
        "/fhir/main/nonsense",
    ] {
        let get = api.get(path).await;
        let head = with(&api, Method::HEAD, path, &[]).await;
        assert_eq!(
            (head.status, head.text.as_str()),
            (get.status, ""),
            "{path}"
        );
        let names = |answer: &Answer| {
            let mut lines: Vec<String> = answer
                .headers
                .iter()
                .filter(|(name, _)| *name != "date")
                .map(|(name, value)| format!("{name}: {value:?}"))
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(names(&head), names(&get), "{path}");
        assert_eq!(
            head.header("content-length"),
            get.text.len().to_string(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_in_utf_8_is_spoken() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    for (name, value) in [
        ("accept", "application/fhir+xml"),
        ("accept", "text/turtle"),
        ("accept", "application/json;q=0"),
        ("accept-charset", "iso-8859-1"),
    ] {
        let answer = with(&api, Method::GET, ANNA, &[(name, value)])
            .await
            .expect(406);
        assert_eq!(issue(&answer), "not-supported", "{name}: {value}");
    }
    for format in [
        "json",
        "application/json",
        "application/fhir%2Bjson",
        "application/fhir+json",
    ] {
        api.get(&format!("{ANNA}?_format={format}"))
            .await
            .expect(200);
    }
    let patient = r#"{"resourceType":"Patient"}"#;
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Patient>&b;</Patient>"#;
    for (form, body) in [
        ("application/fhir+xml", bomb),
        ("application/xml", bomb),
        ("text/plain", patient),
        ("application/fhir+json; charset=utf-16", patient),
        ("application/x-www-form-urlencoded", "resourceType=Patient"),
        ("application/json-patch+json", "[]"),
    ] {
        let answer = api
            .post_bytes("/fhir/main/Patient", form, body)
            .await
            .expect(415);
        assert_eq!(issue(&answer), "not-supported", "{form}");
    }
    let unnamed = api
        .request(Method::POST, "/fhir/main/Patient")
        .body(patient);
    api.send(unnamed).await.expect(415);
    let packed = api
        .request(Method::POST, "/fhir/main/Patient")
        .header("content-type", JSON)
        .header("content-encoding", "gzip")
        .body(patient);
    api.send(packed).await.expect(415);
}

/// A-PC44, A-PC45, A-PC46 and A-PC49 at the address itself: an odd spelling is refused, or
/// means what the plain one means.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_spelling_is_the_same_resource_or_none() {
    let host = TestHost::shared().await;
    let api = launched(host, "patient/*.rs", "tom-rossi").await;
    let plain = api.get("/fhir/main/Patient/tom-rossi").await.expect(200);
    for path in [
        "/fhir/main/%50atient/tom-rossi",
        "/fhir/main/Patient/tom%2drossi",
        "/fhir/main/Patient/tom-rossi?_format=json",
    ] {
        assert_eq!(api.get(path).await.expect(200).text, plain.text, "{path}");
    }
    for (id, status) in [("tom-rossi", 400), ("anna-rossi", 400)] {
        for path in [
            format!("/fhir/main/Patient/{id}/"),
            format!("/fhir/main/Patient//{id}"),
            format!("/fhir/main//Patient/{id}"),
            format!("/fhir/main/Patient/{id}%2f_history"),
            format!("/fhir/main/Patient/{id}%252f_history"),
            format!("/fhir/main/Patient;x/{id}"),
            format!("/fhir/main/Patient/{id};x=1"),
            format!("/fhir/main/Patient/{id}%00"),
            format!("/fhir/main/Patient/%E2%80%A4%E2%80%A4/{id}"),
            format!("/fhir/main/Patient/{}", id.repeat(10)),
        ] {
            let answer = api.get(&path).await;
            assert_eq!(
                (answer.status.as_u16(), issue(&answer)),
                (status, "invalid"),
                "{path}"
            );
        }
        let other_case = api
            .get(&format!("/fhir/main/patient/{id}"))
            .await
            .expect(404);
        assert_eq!(issue(&other_case), "not-supported");
    }
    for query in [
        "Patient=anna-rossi",
        "PATIENT=anna-rossi",
        "patient%00=anna-rossi",
        "patient%5B%5D=anna-rossi",
        "patient%3B=anna-rossi",
        "patient%20=anna-rossi",
    ] {
        api.get(&format!("/fhir/main/Observation?{query}"))
            .await
            .expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_cannot_be_overridden_and_an_unknown_one_is_refused() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let answer = with(&api, Method::GET, ANNA, &[(name, "DELETE")])
            .await
            .expect(200);
        assert_eq!(answer.json["id"], "anna-rossi");
    }
    for (method, path, allow) in [
        (
            Method::TRACE,
            ANNA,
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
        (Method::POST, ANNA, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        (Method::PUT, "/fhir/main", "GET, HEAD, POST, OPTIONS"),
        (Method::GET, "/fhir/main/Patient/_search", "POST, OPTIONS"),
        (
            Method::from_bytes(b"PROPFIND").unwrap(),
            ANNA,
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
    ] {
        let answer = with(&api, method.clone(), path, &[]).await.expect(405);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert_eq!(issue(&answer), "not-supported");
    }
    with(&api, Method::POST, "/fhir/main/metadata", &[])
        .await
        .expect(405);
    let plain = api.get(ANNA).await.expect(200);
    for (name, value) in [
        ("prefer", "respond-async"),
        ("x-provenance", "{}"),
        ("x-gh-read", "1"),
    ] {
        let answer = with(&api, Method::GET, ANNA, &[(name, value)])
            .await
            .expect(200);
        assert_eq!(answer.text, plain.text, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sane_request_id_comes_back() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    for (path, id, echoed) in [
        (ANNA, "3f1f9a0e-0000-4000-8000-000000000001", true),
        ("/fhir/main/Patient/nobody", "abc.DEF_9", true),
        (ANNA, "<script>", false),
        (ANNA, "a b", false),
    ] {
        let answer = with(&api, Method::GET, path, &[("x-request-id", id)]).await;
        assert_eq!(
            answer.header("x-request-id"),
            if echoed { id } else { "" },
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_too_large_or_too_deep_is_refused_by_its_limit() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    let ids = "anna-rossi,".repeat(1_000);
    let long = api
        .get(&format!("/fhir/main/Patient?_id={ids}"))
        .await
        .expect(414);
    assert_eq!(issue(&long), "too-long");
    let many = api
        .post_form("/fhir/main/Patient/_search", &[("_id", &ids)])
        .await
        .expect(400);
    issue(&many);
    let endless = api
        .post_form("/fhir/main/Patient/_search", &[("_id", &ids.repeat(10))])
        .await
        .expect(413);
    assert_eq!(issue(&endless), "too-long");

    let create = |body: String| api.post_bytes("/fhir/main/Basic", JSON, body);
    let large = format!(
        r#"{{"resourceType":"Basic","x":"{}"}}"#,
        "x".repeat(4 << 20)
    );
    assert_eq!(issue(&create(large).await.expect(413)), "too-long");
    let depth = 70;
    let deep = format!(
        r#"{{"resourceType":"Basic","x":{}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let deep = create(deep).await.expect(400);
    assert!(deep.text.contains("64 levels"), "{}", deep.text);
    let twice = create(r#"{"resourceType":"Basic","id":"a","id":"b"}"#.to_owned())
        .await
        .expect(400);
    assert!(twice.text.contains("occurs twice"), "{}", twice.text);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"resourceType":"Bot"}"#,
        "\u{feff}{}",
    ] {
        issue(&create(body.to_owned()).await.expect(400));
    }
    // A read has no body.
    let read = api.request(Method::GET, ANNA).body("x");
    api.send(read).await.expect(413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_search_is_the_search_of_its_address_and_its_body_together() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    let by_get = api.get(
        "/fhir/main/Observation?patient=anna-rossi&category=laboratory&_count=5&_total=accurate",
    );
    let by_get = by_get.await.expect(200).json;
    let by_form = api
        .post_form(
            "/fhir/main/Observation/_search?category=laboratory",
            &[
                ("patient", "anna-rossi"),
                ("_count", "5"),
                ("_total", "accurate"),
            ],
        )
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&by_get), entries(&by_form));
    assert!(by_get["total"].as_u64().is_some_and(|total| total > 5));
    assert_eq!(by_get["total"], by_form["total"]);
    assert!(!entries(&by_get).is_empty());
    let empty = api
        .post_form(
            "/fhir/main/Observation/_search?patient=anna-rossi",
            &[("patient", "tom-rossi")],
        )
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&empty), [""; 0], "both must hold");
    let compartment = api
        .get("/fhir/main/Patient/anna-rossi/Observation?category=laboratory&_count=5")
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&compartment), entries(&by_get));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_search_show_what_was_searched_and_lead_on_for_this_token() {
    let host = TestHost::shared().await;
    let api = launched(host, "patient/*.rs", "anna-rossi").await;
    let bundle = api
        .get("/fhir/main/Observation?_count=3")
        .await
        .expect(200)
        .json;
    let own = link(&bundle, "self").unwrap();
    assert!(
        own.starts_with(&format!("{}/fhir/main/Observation?", host.base_url)),
        "{own}"
    );
    assert!(
        own.contains("patient=anna-rossi"),
        "the narrowing is shown: {own}"
    );
    for entry in bundle["entry"].as_array().unwrap() {
        let (name, id) = (&entry["resource"]["resourceType"], &entry["resource"]["id"]);
        let url = format!(
            "{}/fhir/main/{}/{}",
            host.base_url,
            name.as_str().unwrap(),
            id.as_str().unwrap()
        );
        assert_eq!(entry["fullUrl"], json!(url));
        assert_eq!(entry["search"]["mode"], "match");
    }
    let next = link(&bundle, "next").unwrap();
    assert!(
        !next.contains("anna-rossi") && !next.contains("Observation"),
        "it is sealed: {next}"
    );
    let page = api.get(&next).await.expect(200).json;
    assert_eq!(page["type"], "searchset");
    let again = api.get(&next).await.expect(200).json;
    assert_eq!(entries(&page), entries(&again));
    // Who else has it has nothing.
    let same_kind = launched(host, "patient/*.rs", "anna-rossi").await;
    let backend = system(host, "system/*.rs").await;
    for other in [&same_kind, &backend] {
        let refused = other.get(&next).await.expect(410);
        issue(&refused);
    }
    host.program(None).get(&next).await.expect(401);
    let (head, _) = next.split_once("_page=").unwrap();
    for page in ["nonsense", ""] {
        api.get(&format!("{head}_page={page}&_count=3"))
            .await
            .expect(410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_server_does_not_have_is_said_plainly() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    for path in [
        "/fhir/main/_history",
        "/fhir/main/Patient/_history",
        "/fhir/main/Group/g/$export",
        "/fhir/main/$export",
        "/fhir/main/Patient/anna-rossi/*",
        "/fhir/main/Encounter/x/Observation",
        "/fhir/main/Practitioner/rivera/Observation",
        "/fhir/main/Patient/anna-rossi/Practitioner",
        "/fhir/main/Patient/$match",
        "/fhir/main?_type=Patient,Observation",
    ] {
        let answer = api.get(path).await;
        if path.contains('*') {
            answer.expect(400);
        } else {
            assert_eq!(issue(&answer.expect(404)), "not-supported", "{path}");
        }
    }
    let system_search = api
        .post_form("/fhir/main/_search", &[("_type", "Patient")])
        .await;
    assert_eq!(issue(&system_search.expect(404)), "not-supported");
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_read_what_the_server_can_do() {
    let host = TestHost::shared().await;
    let nobody = host.program(None);
    for tenant in ["main", "sandbox"] {
        let statement = nobody
            .get(&format!("/fhir/{tenant}/metadata"))
            .await
            .expect(200);
        assert_eq!(statement.json["fhirVersion"], "4.0.1");
        let rest = &statement.json["rest"][0];
        assert_eq!(rest["security"]["cors"], true);
        assert_eq!(
            rest["security"]["service"][0]["coding"][0]["code"],
            "SMART-on-FHIR"
        );
        let uris = rest["security"]["extension"][0]["extension"]
            .as_array()
            .unwrap();
        let token = uris.iter().find(|uri| uri["url"] == "token").unwrap();
        assert_eq!(
            token["valueUri"],
            json!(format!("{}/oauth/{tenant}/token", host.base_url))
        );
        let known = [("if-none-match", statement.header("etag"))];
        with(
            &nobody,
            Method::GET,
            &format!("/fhir/{tenant}/metadata"),
            &known,
        )
        .await
        .expect(304);
    }
    nobody
        .get("/fhir/main/metadata?_format=xml")
        .await
        .expect(406);
    nobody.get("/fhir/nowhere/metadata").await.expect(404);
    let _: Value = nobody
        .get("/fhir/main/metadata?mode=full")
        .await
        .expect(200)
        .json;
    nobody
        .get("/fhir/main/metadata?mode=terminology")
        .await
        .expect(400);
}

/// A-PC40: leniency drops what the caller added, never what narrows the search.
#[tokio::test(flavor = "multi_thread")]
async fn leniency_ignores_what_is_unknown_says_so_and_widens_nothing() {
    let host = TestHost::shared().await;
    let api = launched(host, "patient/*.rs", "tom-rossi").await;
    let lenient = [("prefer", "handling=lenient")];
    let path =
        "/fhir/main/Observation?nonsense=1&_filter=subject%20eq%20Patient/anna-rossi&_count=200";
    api.get(path).await.expect(400);
    let found = with(&api, Method::GET, path, &lenient)
        .await
        .expect(200)
        .json;
    let listed = found["entry"].as_array().unwrap();
    let (outcomes, matches): (Vec<&Value>, Vec<&Value>) = listed
        .iter()
        .partition(|entry| entry["search"]["mode"] == "outcome");
    assert_eq!(outcomes.len(), 1);
    assert!(outcomes[0].get("fullUrl").is_none());
    let told = outcomes[0]["resource"].to_string();
    assert!(
        told.contains("nonsense") && told.contains("_filter"),
        "{told}"
    );
    assert!(!matches.is_empty());
    for entry in matches {
        assert_eq!(
            entry["resource"]["subject"]["reference"],
            "Patient/tom-rossi"
        );
    }
    let own = link(&found, "self").unwrap();
    assert!(own.contains("patient=tom-rossi"), "{own}");
    assert!(
        !own.contains("nonsense") && !own.contains("_filter"),
        "{own}"
    );
    let other = "/fhir/main/Observation?nonsense=1&patient=anna-rossi";
    let none = with(&api, Method::GET, other, &lenient)
        .await
        .expect(200)
        .json;
    assert!(
        entries(&none)
            .iter()
            .all(|name| name.starts_with("OperationOutcome")),
        "{none}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_and_a_selection_of_elements_are_given_as_asked() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    let search = "/fhir/main/Observation?patient=anna-rossi&category=laboratory";
    let all = api
        .get(&format!("{search}&_count=1000"))
        .await
        .expect(200)
        .json;
    let count = api
        .get(&format!("{search}&_summary=count"))
        .await
        .expect(200)
        .json;
    assert_eq!(count["total"], json!(entries(&all).len()));
    assert!(count.get("entry").is_none(), "{count}");
    let few = api
        .get(&format!("{search}&_elements=code&_count=2"))
        .await
        .expect(200)
        .json;
    for entry in few["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        assert!(resource.get("code").is_some() && resource.get("valueQuantity").is_none());
    }
}
