//! Files that the pages refer to, built into the program: no content delivery network, no
//! web fonts, because hospitals may be cut off from the internet.

/// A file that the server answers at [`Asset::path`]. `path` is fixed; pages add the hash
/// as a query, so the answer may be cached for ever.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Absolute path below the server's root.
    pub path: &'static str,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The content; all of it is text.
    pub body: &'static str,
    /// Changes when the content changes; good as an entity tag.
    pub hash: &'static str,
}

/// The one stylesheet.
pub const STYLESHEET: &str = include_str!("../assets/glovebox.css");
/// The one script. Every page works without it.
pub const SCRIPT: &str = include_str!("../assets/glovebox.js");
/// Two gloves in a porthole.
pub const LOGO: &str = include_str!("../assets/logo.svg");

const STYLESHEET_HEX: [u8; 16] = hex(STYLESHEET);
const SCRIPT_HEX: [u8; 16] = hex(SCRIPT);
const LOGO_HEX: [u8; 16] = hex(LOGO);

/// Changes when [`STYLESHEET`] changes.
pub const STYLESHEET_HASH: &str = text(&STYLESHEET_HEX);
const SCRIPT_HASH: &str = text(&SCRIPT_HEX);
const LOGO_HASH: &str = text(&LOGO_HEX);

/// Everything to serve below `/assets/`.
pub const ASSETS: [Asset; 3] = [
    Asset {
        path: "/assets/glovebox.css",
        content_type: "text/css; charset=utf-8",
        body: STYLESHEET,
        hash: STYLESHEET_HASH,
    },
    Asset {
        path: "/assets/glovebox.js",
        content_type: "text/javascript; charset=utf-8",
        body: SCRIPT,
        hash: SCRIPT_HASH,
    },
    Asset {
        path: "/assets/logo.svg",
        content_type: "image/svg+xml",
        body: LOGO,
        hash: LOGO_HASH,
    },
];

/// The addresses as pages write them, hash included.
pub(crate) fn address(asset: &Asset) -> String {
    format!("{}?v={}", asset.path, asset.hash)
}

/// FNV-1a: tells versions apart for caches. It protects nothing.
pub(crate) const fn hex(content: &str) -> [u8; 16] {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut rest = content.as_bytes();
    while let [first, tail @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = tail;
    }
    let mut digits = [b'0'; 16];
    let mut open: &mut [u8] = &mut digits;
    while let [head @ .., last] = open {
        let digit = (hash & 0xf) as u8;
        *last = if digit < 10 {
            b'0' + digit
        } else {
            b'a' + digit - 10
        };
        hash >>= 4;
        open = head;
    }
    digits
}

pub(crate) const fn text(digits: &[u8; 16]) -> &str {
    match std::str::from_utf8(digits) {
        Ok(text) => text,
        Err(_) => "0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_content_and_are_sixteen_digits() {
        // The published FNV-1a test vectors for the empty string and "a".
        assert_eq!(text(&hex("")), "cbf29ce484222325");
        assert_eq!(text(&hex("a")), "af63dc4c8601ec8c");
        assert!(ASSETS.iter().all(|asset| asset.hash.len() == 16));
    }

    #[test]
    fn assets_load_nothing_from_elsewhere() {
        for asset in ASSETS {
            let outside = asset.body.replace("http://www.w3.org/", "");
            assert!(
                !outside.contains("http:") && !outside.contains("https:"),
                "{}",
                asset.path
            );
            assert!(!outside.contains("@import"), "{}", asset.path);
        }
    }
}
