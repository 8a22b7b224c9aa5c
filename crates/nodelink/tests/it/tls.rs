//! The link over TLS with an authority of one's own, and with certificates on both ends.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use metering::memory::MemoryLeases;
use metering::ports::{HelloError, LeaseError, Nodes};
use nodelink::client::Link;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::world::{Memory, Serving, TOKEN, grant, hello, link_as, plane, start_any, start_on};

/// Two authorities, `ca` and `stranger`, each with a certificate for this machine.
struct Authorities(TempDir);

impl Authorities {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        for name in ["ca", "stranger"] {
            let subject = format!("/CN={name}");
            let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
            made.openssl(&["-subj", &subject, "-keyout", &key, "-out", &pem]);
            let (own_key, own) = (format!("{name}.own.key"), format!("{name}.own.pem"));
            let of = ["-CA", &pem, "-CAkey", &key, "-subj", "/CN=weir", "-keyout", &own_key, "-out", &own];
            let extensions =
                ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:false"];
            made.openssl(&[&of[..], &extensions].concat());
        }
        made
    }

    fn openssl(&self, arguments: &[&str]) {
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let all = [&["req", "-x509", "-nodes"], &curve[..], arguments].concat();
        let made = Command::new("openssl").args(all).current_dir(&self.0).output();
        let made = made.expect("openssl is not installed; on Debian: apt-get install -y openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> impl AsRef<Path> {
        self.0.path().join(name)
    }

    fn roots(&self, name: &str) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap()).unwrap();
        roots
    }

    fn own(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.own.pem"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.own.key"))).unwrap();
        (vec![certificate], key)
    }

    /// A control plane with a certificate of `own`; `nodes`: who must have signed those of nodes.
    fn control(&self, own: &str, nodes: Option<&str>) -> Arc<ServerConfig> {
        let (chain, key) = self.own(own);
        let builder = match nodes {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(name) => ServerConfig::builder().with_client_cert_verifier(
                WebPkiClientVerifier::builder(Arc::new(self.roots(name))).build().unwrap(),
            ),
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    /// Serves with a certificate of `ca`.
    async fn serve(&self, nodes: Option<&str>) -> Serving {
        serve(watch::channel(self.control("ca", nodes)).1).await
    }

    /// A node that trusts `roots`; `own`: whose certificate it shows.
    fn node(&self, roots: &str, own: Option<&str>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder().with_root_certificates(self.roots(roots));
        let mut config = match own.map(|name| self.own(name)) {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }
}

async fn serve(tls: watch::Receiver<Arc<ServerConfig>>) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    start_on(listener, url, Some(tls), plane(&Memory::new(), Arc::new(MemoryLeases::new(Amount::ZERO))))
}

/// A new link's hello; the sentence where it fails.
async fn said(url: &str, tls: impl Into<Option<Arc<ClientConfig>>>) -> Result<(), String> {
    let tls = tls.into().map(|tls| watch::channel(tls).1);
    said_over(&link_as(&[url], TOKEN, tls), url).await
}

async fn said_over(link: &Link, url: &str) -> Result<(), String> {
    let said = tokio::time::timeout(Duration::from_secs(9), link.hello(hello("node"))).await.unwrap();
    match said {
        Ok(_) => Ok(()),
        Err(HelloError::Unreachable(text)) if text.contains(url) => Err(text),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_believed_and_no_other() {
    let authorities = Authorities::new();
    let serving = authorities.serve(None).await;
    said(&serving.url, authorities.node("ca", None)).await.unwrap();

    let error = said(&serving.url, authorities.node("stranger", None)).await.unwrap_err();
    assert!(error.contains("link.tls.ca_file") && error.contains("UnknownIssuer"), "{error}");
    let elsewhere = serving.url.replace("127.0.0.1", "localhost");
    let error = said(&elsewhere, authorities.node("ca", None)).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    let tls = watch::channel(authorities.node("stranger", None)).1;
    let link = link_as(&[&serving.url], TOKEN, Some(tls));
    assert!(matches!(grant(&link).await, Err(LeaseError::NotDone(_))), "no request was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_right_certificate_is_refused_where_certificates_are_asked_for() {
    let authorities = Authorities::new();
    let serving = authorities.serve(Some("ca")).await;
    said(&serving.url, authorities.node("ca", Some("ca"))).await.unwrap();

    for certificate in [None, Some("stranger")] {
        let error = said(&serving.url, authorities.node("ca", certificate)).await.unwrap_err();
        assert!(error.contains("link.tls.cert_file"), "{certificate:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_certificates_and_authorities_hold_for_new_connections_and_open_ones_go_on() {
    let authorities = Authorities::new();
    let (control, current) = watch::channel(authorities.control("ca", Some("ca")));
    let serving = serve(current).await;
    let link_of = |tls| link_as(&[&serving.url], TOKEN, Some(tls));
    let (_, before) = watch::channel(authorities.node("ca", Some("ca")));
    let kept = link_of(before);
    said_over(&kept, &serving.url).await.unwrap();

    control.send_replace(authorities.control("stranger", Some("stranger")));
    said_over(&kept, &serving.url).await.unwrap();
    let (node, current) = watch::channel(authorities.node("ca", Some("ca")));
    let late = link_of(current);
    let error = said_over(&late, &serving.url).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    node.send_replace(authorities.node("stranger", Some("ca")));
    let error = said_over(&late, &serving.url).await.unwrap_err();
    // The alert itself may come too late to be read; which setting to look at is said in any case.
    assert!(error.contains("link.tls.cert_file"), "{error}");
    node.send_replace(authorities.node("stranger", Some("stranger")));
    said_over(&late, &serving.url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_on_one_end_only_is_said_and_does_not_hang() {
    let authorities = Authorities::new();
    let serving = authorities.serve(None).await;
    assert!(said(&serving.url.replace("https", "http"), None).await.is_err());
    let plain = start_any().await;
    let error = said(&plain.url.replace("http", "https"), authorities.node("ca", None)).await.unwrap_err();
    assert!(error.contains("TLS"), "{error}");
    let error = said(&serving.url, None).await.unwrap_err();
    assert!(error.contains("none is configured"), "{error}");
}
