//! Certificates for listeners and for the node link, from PEM files.
//!
//! Invariant: a file that is named and cannot be used keeps the process from starting; nothing falls back to plain HTTP.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{LinkTls, Tls};

/// What a listener ends TLS with.
///
/// # Errors
/// Which file cannot be used.
pub(crate) fn server(tls: &Tls, setting: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let (chain, key) = certificate(tls, setting)?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("{setting}.cert_file and {setting}.key_file do not belong together"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What the node link of a control plane ends TLS with; with `ca_file` nodes must show a certificate.
///
/// # Errors
/// Which file cannot be used.
pub(crate) fn link_server(tls: &LinkTls) -> anyhow::Result<Arc<ServerConfig>> {
    let (chain, key) = certificate(&tls.own(), "link.tls")?;
    let builder = ServerConfig::builder();
    let builder = if tls.ca_file.as_os_str().is_empty() {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(roots(&tls.ca_file)?);
        let verifier =
            WebPkiClientVerifier::builder(roots).build().context("link.tls.ca_file cannot be used")?;
        builder.with_client_cert_verifier(verifier)
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .context("link.tls.cert_file and link.tls.key_file do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// How a node reaches the node link over TLS.
///
/// # Errors
/// Which file cannot be used.
pub(crate) fn link_client(tls: &LinkTls) -> anyhow::Result<Arc<ClientConfig>> {
    let roots = if tls.ca_file.as_os_str().is_empty() {
        RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
    } else {
        roots(&tls.ca_file)?
    };
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let own = tls.own();
    let mut config = if own.is_set() {
        let (chain, key) = certificate(&own, "link.tls")?;
        builder
            .with_client_auth_cert(chain, key)
            .context("link.tls.cert_file and link.tls.key_file do not belong together")?
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

type Certificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn certificate(tls: &Tls, setting: &str) -> anyhow::Result<Certificate> {
    let unreadable = |path: &Path| format!("{} ({setting}) cannot be read", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(&tls.cert_file)
        .with_context(|| unreadable(&tls.cert_file))?
        .collect::<Result<_, _>>()
        .with_context(|| unreadable(&tls.cert_file))?;
    if chain.is_empty() {
        bail!("{} ({setting}.cert_file) holds no certificate", tls.cert_file.display());
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key_file).with_context(|| unreadable(&tls.key_file))?;
    Ok((chain, key))
}

fn roots(path: &Path) -> anyhow::Result<RootCertStore> {
    let unreadable = || format!("{} (link.tls.ca_file) cannot be read", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(unreadable)? {
        roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
    }
    if roots.is_empty() {
        bail!("{} (link.tls.ca_file) holds no certificate", path.display());
    }
    Ok(roots)
}
