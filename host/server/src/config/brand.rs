//! How the organisation behind a tenant appears to people who look for it in an app (SMART
//! App Launch 2.2, "User-access Brands and Endpoints").

use std::collections::HashMap;

use glovebox_model::TenantId;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Config;
use super::settings::{SettingsError, wrong};

/// Longest logo that is kept as data, in bytes.
const LOGO_BYTES_MAX: usize = 64 << 10;

/// `[brands.TENANT]`; what is not given is derived from the tenant's name and the base
/// address.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrandSection {
    /// The organisation's name, as its patients know it.
    pub name: Option<String>,
    /// Its public website.
    pub website: Option<String>,
    /// What apps find it by: `https://` and a domain. Default: the website's.
    pub identifier: Option<String>,
    /// The address of its logo (SVG or PNG), or the logo itself as a `data:image/…` address.
    pub logo: Option<String>,
    /// Where its patients sign in. Default: this server.
    pub portal: Option<String>,
}

/// A brand with everything filled in that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The organisation's name.
    pub name: String,
    /// Its public website.
    pub website: String,
    /// `https://` and a domain, nothing else.
    pub identifier: String,
    /// Its logo, if one was given.
    pub logo: Option<String>,
    /// Where its patients sign in.
    pub portal: String,
}

/// The system of [`Brand::identifier`]: a URI (RFC 3986).
pub const IDENTIFIER_SYSTEM: &str = "urn:ietf:rfc:3986";

/// The brand of each tenant.
pub(super) fn brands(
    config: &Config,
    tenants: &[(TenantId, String)],
    base_url: &str,
) -> Result<HashMap<TenantId, Brand>, SettingsError> {
    let known = |name: &String| tenants.iter().any(|(id, _)| id.as_str() == name);
    if let Some(name) = config.brands.keys().find(|name| !known(name)) {
        return wrong("brands", format!("there is no tenant `{name}`"));
    }
    let mut brands = HashMap::new();
    for (tenant, tenant_name) in tenants {
        let written = config.brands.get(tenant.as_str());
        let written = written.cloned().unwrap_or_default();
        brands.insert(tenant.clone(), brand(written, tenant_name, base_url)?);
    }
    Ok(brands)
}

fn brand(written: BrandSection, tenant_name: &str, base_url: &str) -> Result<Brand, SettingsError> {
    let website = written.website.unwrap_or_else(|| base_url.to_owned());
    let portal = written.portal.unwrap_or_else(|| base_url.to_owned());
    for address in [&website, &portal] {
        if web_address(address).is_none() {
            return wrong("brands", format!("`{address}` is no http or https address"));
        }
    }
    let identifier = match written.identifier {
        Some(given) => match domain_of(&given) {
            Some(domain) if domain == given => given,
            _ => {
                return wrong(
                    "brands",
                    format!(
                        "the identifier `{given}` is not https:// and a domain, such as https://hospital.example"
                    ),
                );
            }
        },
        None => domain_of(&website).unwrap_or_default(),
    };
    if let Some(logo) = &written.logo {
        let is_fine = logo.len() <= LOGO_BYTES_MAX
            && (logo.starts_with("data:image/") || web_address(logo).is_some());
        if !is_fine {
            return wrong(
                "brands",
                "give a logo as an http or https address, or as data:image/… of at most 64 KiB",
            );
        }
    }
    Ok(Brand {
        name: written.name.unwrap_or_else(|| tenant_name.to_owned()),
        website,
        identifier,
        logo: written.logo,
        portal,
    })
}

fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (["http", "https"].contains(&url.scheme()) && url.host().is_some()).then_some(url)
}

/// `https://` and the domain of an address, without `www.`, as brands are identified.
fn domain_of(address: &str) -> Option<String> {
    let url = web_address(address)?;
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    Some(format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn of_main(text: &str) -> Result<Brand, String> {
        let config = Config::parse(text)?;
        let settings = Settings::resolve(&config).map_err(|problem| problem.to_string())?;
        Ok(settings.brands[&"main".parse().unwrap()].clone())
    }

    #[test]
    fn without_a_section_the_brand_is_the_tenants_name_at_the_base_address() {
        let brand = of_main("[listen]\nbase_url = \"https://www.glove.example/x\"").unwrap();
        assert_eq!(
            brand,
            Brand {
                name: "Example Hospital".to_owned(),
                website: "https://www.glove.example/x".to_owned(),
                identifier: "https://glove.example".to_owned(),
                logo: None,
                portal: "https://www.glove.example/x".to_owned(),
            }
        );
    }

    #[test]
    fn what_is_written_is_taken() {
        let brand = of_main(
            "[brands.main]\nname = \"Lake Hospital\"\nwebsite = \"https://www.lake.example/home\"\n\
             logo = \"data:image/svg+xml;base64,PHN2Zy8+\"\nportal = \"https://my.lake.example\"",
        )
        .unwrap();
        assert_eq!(brand.name, "Lake Hospital");
        assert_eq!(brand.identifier, "https://lake.example");
        assert_eq!(brand.portal, "https://my.lake.example");
        assert!(brand.logo.is_some());
    }

    #[test]
    fn a_brand_that_apps_could_not_use_is_refused() {
        for line in [
            "website = \"lake.example\"",
            "portal = \"javascript:alert(1)\"",
            "identifier = \"http://lake.example\"",
            "identifier = \"https://www.lake.example\"",
            "identifier = \"https://lake.example/home\"",
            "logo = \"logo.svg\"",
            "logo = \"data:text/html,x\"",
        ] {
            let error = of_main(&format!("[brands.main]\n{line}")).unwrap_err();
            assert!(error.starts_with("brands: "), "{line}: {error}");
        }
        let error = of_main("[brands.nowhere]\nname = \"x\"").unwrap_err();
        assert!(error.contains("there is no tenant `nowhere`"), "{error}");
    }
}
