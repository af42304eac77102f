use glovebox_fhir::{SearchQuery, search_parameters};

use super::*;

fn demo() -> Value {
    statement(&Instance {
        name: "Example Hospital".to_owned(),
        base: "http://localhost:8080/fhir/main".to_owned(),
        oauth_uris: vec![("token", "http://localhost:8080/oauth/main/token".to_owned())],
    })
}

fn of_type<'a>(statement: &'a Value, name: &str) -> &'a Value {
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    resources
        .iter()
        .find(|resource| resource["type"] == name)
        .unwrap()
}

#[test]
fn the_statement_says_what_the_server_is() {
    let mut statement = demo();
    statement["rest"][0]["resource"] = json!(["…"]);
    insta::assert_json_snapshot!(statement, { ".**.version" => "[version]" }, @r#"
    {
      "resourceType": "CapabilityStatement",
      "url": "http://localhost:8080/fhir/main/metadata",
      "version": "[version]",
      "name": "Glovebox",
      "title": "Example Hospital",
      "status": "active",
      "date": "2026-11-23",
      "kind": "instance",
      "software": {
        "name": "Glovebox",
        "version": "[version]"
      },
      "implementation": {
        "description": "Example Hospital",
        "url": "http://localhost:8080/fhir/main"
      },
      "fhirVersion": "4.0.1",
      "format": [
        "application/fhir+json",
        "json"
      ],
      "patchFormat": [
        "application/json-patch+json",
        "application/fhir+json"
      ],
      "rest": [
        {
          "mode": "server",
          "documentation": "What an app may do is what its scopes, its approval and its user's rights allow together; the rest is refused or not there.",
          "security": {
            "extension": [
              {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [
                  {
                    "url": "token",
                    "valueUri": "http://localhost:8080/oauth/main/token"
                  }
                ]
              }
            ],
            "cors": true,
            "service": [
              {
                "coding": [
                  {
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR"
                  }
                ],
                "text": "OAuth2 with SMART App Launch 2.2"
              }
            ]
          },
          "resource": [
            "…"
          ],
          "interaction": [
            {
              "code": "transaction"
            },
            {
              "code": "batch"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn every_parameter_that_it_names_can_be_searched_and_no_other_is_named() {
    let statement = demo();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let name = resource["type"].as_str().unwrap();
        let named: Vec<&str> = resource["searchParam"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        for parameter in search_parameters(name) {
            let is_named = named.contains(&parameter.code());
            assert_eq!(
                is_named,
                parameter.is_supported(),
                "{name}.{}",
                parameter.code()
            );
            if !parameter.is_supported() {
                let pair = (parameter.code().to_owned(), "1".to_owned());
                assert!(
                    SearchQuery::parse(name, &[pair]).is_err(),
                    "{name}.{}",
                    parameter.code()
                );
            }
        }
    }
}

#[test]
fn a_type_is_described_by_its_interactions_and_parameters() {
    let statement = demo();
    let mut observation = of_type(&statement, "Observation").clone();
    for (list, least) in [
        ("searchParam", 20),
        ("searchInclude", 10),
        ("searchRevInclude", 20),
    ] {
        observation[list] = json!(observation[list].as_array().unwrap().len() > least);
    }
    insta::assert_json_snapshot!(observation, @r#"
    {
      "type": "Observation",
      "interaction": [
        {
          "code": "read"
        },
        {
          "code": "vread"
        },
        {
          "code": "history-instance"
        },
        {
          "code": "search-type"
        },
        {
          "code": "create"
        },
        {
          "code": "update"
        },
        {
          "code": "patch"
        },
        {
          "code": "delete"
        }
      ],
      "versioning": "versioned-update",
      "readHistory": true,
      "updateCreate": false,
      "conditionalCreate": true,
      "conditionalRead": "full-support",
      "conditionalUpdate": true,
      "conditionalDelete": "single",
      "searchInclude": true,
      "searchRevInclude": true,
      "searchParam": true,
      "operation": [
        {
          "name": "validate",
          "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"
        }
      ]
    }
    "#);
    assert!(
        !demo().to_string().contains("\"OperationOutcome\""),
        "what is never stored is not promised"
    );
}
