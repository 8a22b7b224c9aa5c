use super::*;

const STRICT: Guard = Guard { allow_private: false };
const OPEN: Guard = Guard { allow_private: true };

#[test]
fn every_network_that_is_not_public_is_refused() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.9.9.9",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        // Unspecified, loopback, version 4 in version 6 (mapped, compatible), NAT64 of a private one.
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        // Discard, tunnels, documentation, unique local (a cloud's metadata too), link-local, site-local, multicast.
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn public_addresses_are_not_refused() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "168.63.129.15",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "64:ff9b::8.8.8.8",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn a_url_that_cannot_be_a_webhook_is_refused_with_its_reason() {
    let private = |address: &str| InvalidUrl::NotPublic(address.parse().unwrap());
    for (url, reason) in [
        ("example.com/hook", InvalidUrl::NoUrl),
        ("", InvalidUrl::NoUrl),
        ("https://", InvalidUrl::NoUrl),
        ("http://example.com/", InvalidUrl::NoTls),
        ("file:///etc/passwd", InvalidUrl::NoTls),
        ("https://ada@example.com/", InvalidUrl::UserInfo),
        ("https://:secret@example.com/", InvalidUrl::UserInfo),
        ("https://127.0.0.1:8080/", private("127.0.0.1")),
        // The same address, written so that a careless reader sees another.
        ("https://2130706433/", private("127.0.0.1")),
        ("https://0x7f.1/", private("127.0.0.1")),
        ("https://[::1]/", private("::1")),
        ("https://[::ffff:169.254.169.254]/", private("::ffff:169.254.169.254")),
    ] {
        assert_eq!(STRICT.check(url).unwrap_err(), reason, "{url}");
    }
    let long = format!("https://example.com/{}", "x".repeat(2_000));
    assert_eq!(STRICT.check(&long).unwrap_err(), InvalidUrl::TooLong);
    for url in ["https://example.com/hook?a=b", "https://8.8.8.8:8443/", "https://localhost/"] {
        assert!(STRICT.check(url).is_ok(), "{url}: a name is judged when it is connected to");
    }
}

#[test]
fn where_private_networks_are_allowed_plain_http_is_too() {
    for url in ["http://127.0.0.1:1/", "http://hook.internal/", "https://[::1]/"] {
        assert!(OPEN.check(url).is_ok(), "{url}");
    }
    assert_eq!(OPEN.check("http://ada@localhost/").unwrap_err(), InvalidUrl::UserInfo);
    assert_eq!(OPEN.check("ftp://localhost/").unwrap_err(), InvalidUrl::NoTls);
}

#[tokio::test]
async fn a_name_of_a_private_address_resolves_to_nothing() {
    let error = STRICT.resolve("localhost".parse().unwrap()).await.err().unwrap();
    assert_eq!(error.to_string(), "localhost has no public address");
    let found: Vec<_> = OPEN.resolve("localhost".parse().unwrap()).await.unwrap().collect();
    assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
}
