//! Which addresses an organization's webhook may be at: public ones.
//!
//! Invariant: what is judged is the address that is connected to, when it is connected to; a name that resolves to another
//! address a moment later changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// No longer URL is taken.
const LONGEST: usize = 2_000;

/// Why a text is no URL of a webhook. Reads on after the name of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It cannot be read.
    #[error("is not a URL such as https://example.com/hook")]
    NoUrl,
    /// Nobody needs one that long.
    #[error("is longer than {LONGEST} characters")]
    TooLong,
    /// Others could read and change what is sent.
    #[error("does not begin with https://")]
    NoTls,
    /// A password does not belong into a URL.
    #[error("has a user name or password in it; leave them out, what is sent is signed")]
    UserInfo,
    /// An address that is no public one.
    #[error("is at {0}, which is not a public address")]
    NotPublic(IpAddr),
}

/// A name has addresses, and none that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address")]
pub(crate) struct NoPublicAddress(pub(crate) String);

/// Judges addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    /// Every address will do, and plain HTTP too.
    pub(crate) allow_private: bool,
}

impl Guard {
    /// The URL of a webhook, if it may be called. Where it has a name, its address is judged when it is connected to.
    pub(crate) fn check(self, text: &str) -> Result<Url, InvalidUrl> {
        if text.len() > LONGEST {
            return Err(InvalidUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| InvalidUrl::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            _ => return Err(InvalidUrl::NoTls),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUrl::UserInfo);
        }
        // Such an address is connected to without a resolver.
        let literal = match url.host().ok_or(InvalidUrl::NoUrl)? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        match literal {
            Some(address) if !self.allows(address) => Err(InvalidUrl::NotPublic(address)),
            _ => Ok(url),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| guard.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NoPublicAddress(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Networks with a purpose of their own (IANA's registry of special purposes), and what clouds serve their secrets at.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
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

/// Of what is given out to everybody (2000::/3), what has a purpose of its own: documentation, and tunnels that lead to
/// addresses of version 4.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// How networks that have version 6 alone reach version 4: the last 32 bits are the address.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether an address is one of the whole Internet's.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if is_in_v6(address, NAT64) => {
            let [.., a, b, c, d] = address.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // An address of version 4 written as one of version 6 is outside of what is given out.
        IpAddr::V6(address) => {
            is_in_v6(address, GLOBAL_V6) && !NOT_PUBLIC_V6.iter().any(|net| is_in_v6(address, *net))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(net, bits): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ net.to_bits()).checked_shr(32 - bits).unwrap_or_default() == 0
    };
    !NOT_PUBLIC_V4.iter().any(is_in)
}

fn is_in_v6(address: Ipv6Addr, (net, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ net.to_bits()).checked_shr(128 - bits).unwrap_or_default() == 0
}

#[cfg(test)]
mod tests;
