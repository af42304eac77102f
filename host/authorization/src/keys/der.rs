//! Just enough DER to take the integers out of an RSA private key: PKCS#8 (RFC 5208
//! section 5) around RSAPrivateKey (RFC 8017 appendix A.1.2).

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// Modulus, public exponent, private exponent, both primes, both exponents, coefficient:
/// big-endian, without leading zeros.
pub(super) fn rsa_integers(pkcs8: &[u8]) -> Option<[&[u8]; 8]> {
    let (outer, _) = element(SEQUENCE, pkcs8)?;
    let (_version, outer) = element(INTEGER, outer)?;
    let (_algorithm, outer) = element(SEQUENCE, outer)?;
    let (key, _) = element(OCTET_STRING, outer)?;
    let (key, _) = element(SEQUENCE, key)?;
    let (_version, mut rest) = element(INTEGER, key)?;
    let mut integers = [[].as_slice(); 8];
    for integer in &mut integers {
        let (bytes, after) = element(INTEGER, rest)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        *integer = bytes.get(zeros..)?;
        rest = after;
    }
    Some(integers)
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = digits
                .iter()
                .fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_or_foreign_structure_has_no_integers() {
        assert_eq!(
            element(INTEGER, &[2, 1, 7, 9]),
            Some(([7].as_slice(), [9].as_slice()))
        );
        assert_eq!(
            element(INTEGER, &[2, 0x81, 1, 7]),
            Some(([7].as_slice(), [].as_slice()))
        );
        for bytes in [
            &[][..],
            &[2],
            &[2, 2, 7],
            &[4, 1, 7],
            &[2, 0x80],
            &[2, 0x85, 0, 0, 0, 0, 1, 7],
        ] {
            assert_eq!(element(INTEGER, bytes), None, "{bytes:?}");
        }
        assert!(rsa_integers(&[0x30, 0]).is_none());
    }
}
