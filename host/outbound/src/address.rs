//! Which IP addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a call may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The internet.
    Public,
    /// The operator's own networks too: the origin was listed.
    Listed,
}

impl Reach {
    /// Whether a call may be made to this address.
    pub(crate) fn permits(self, address: IpAddr) -> bool {
        match (self, address) {
            (_, address) if is_metadata(address) => false,
            (Self::Public, IpAddr::V4(address)) => is_public_v4(address),
            (Self::Public, IpAddr::V6(address)) => is_public_v6(address),
            (Self::Listed, IpAddr::V4(address)) => is_own_v4(address) || is_public_v4(address),
            (Self::Listed, IpAddr::V6(address)) => is_own_v6(address) || is_public_v6(address),
        }
    }
}

/// Where clouds answer with credentials. The first stands in a public range, and the others
/// in ranges that an operator might list.
fn is_metadata(address: IpAddr) -> bool {
    const METADATA: [IpAddr; 3] = [
        IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
        IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)),
    ];
    METADATA.contains(&address)
}

/// Blocks of IPv4 that are not globally reachable (the IANA special-purpose registry, RFC
/// 6890, and multicast), as the first address and the length of the prefix.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Blocks within 2000::/3 that are documentation, benchmarks, or carry an IPv4 address that
/// would be reached in their place.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn in_v4(address: Ipv4Addr, (first, length): (Ipv4Addr, u32)) -> bool {
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    address.to_bits() & mask == first.to_bits() & mask
}

fn in_v6(address: Ipv6Addr, (first, length): (Ipv6Addr, u32)) -> bool {
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    address.to_bits() & mask == first.to_bits() & mask
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|block| in_v4(address, *block))
}

/// Only global unicast: everything outside 2000::/3 (loopback, unique local, link-local,
/// multicast, IPv4-mapped, NAT64) is something else, or an IPv4 address in disguise.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let global = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    in_v6(address, global) && !SPECIAL_V6.iter().any(|block| in_v6(address, *block))
}

/// What an operator's own networks use.
fn is_own_v4(address: Ipv4Addr) -> bool {
    let shared = (Ipv4Addr::new(100, 64, 0, 0), 10);
    address.is_private() || address.is_loopback() || in_v4(address, shared)
}

fn is_own_v6(address: Ipv6Addr) -> bool {
    address.is_unique_local() || address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(reach: Reach, text: &str) -> bool {
        reach.permits(text.parse().unwrap())
    }

    #[test]
    fn only_global_addresses_are_public() {
        for address in [
            "8.8.8.8",
            "93.184.216.34",
            "172.15.255.255",
            "172.32.0.0",
            "100.128.0.0",
            "2606:2800:220:1::1",
            "2a00:1450::1",
        ] {
            assert!(permits(Reach::Public, address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
            "3fff::1",
        ] {
            assert!(!permits(Reach::Public, address), "{address}");
        }
    }

    #[test]
    fn a_listed_origin_may_be_the_operators_own_but_never_a_clouds_metadata() {
        for address in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.0.1",
            "fd12::1",
            "8.8.8.8",
        ] {
            assert!(permits(Reach::Listed, address), "{address}");
        }
        for address in [
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!permits(Reach::Listed, address), "{address}");
        }
    }
}
