//! Redis behind TLS, with an authority of one's own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use backplane::redis::{Redis, Settings};
use policy::feed::{PolicyFeed, PolicyPublisher};

use crate::outages::publish;
use crate::policy::heartbeat;
use crate::server::{Server, next};

#[tokio::test]
async fn a_private_authority_is_believed_and_no_other() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    authority(directory.path(), "ca");
    authority(directory.path(), "stranger");
    certificate(directory.path(), "server", "ca");

    let mut server = Server::not_started(&[]);
    let port = server.port.to_string();
    let (certificate, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
    server.arguments(&["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
    server.arguments(&["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &ca]);
    server.go();

    let redis = |ca: Option<&str>| {
        let ca_pem = ca.map(|name| std::fs::read(path(name)).unwrap());
        let url = format!("rediss://127.0.0.1:{port}");
        Redis::connect(Settings { url, ca_pem, prefix: "test".to_owned() }).unwrap()
    };
    let ours = redis(Some("ca.pem"));
    let mut messages = ours.follow().await.unwrap();
    publish(&ours, heartbeat(1)).await;
    while next(&mut messages).await != heartbeat(1) {}
    for stranger in [redis(Some("stranger.pem")), redis(None)] {
        let distrusts = async {
            // A handshake may take a busy machine longer than a publisher waits.
            loop {
                let error = stranger.publish(heartbeat(2)).await.unwrap_err().to_string();
                if error.contains("invalid peer certificate: UnknownIssuer") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), distrusts).await.expect("the reason is said");
    }
}

fn authority(directory: &Path, name: &str) {
    let subject = format!("/CN={name}");
    let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
    openssl(directory, &["req", "-x509", "-nodes", "-subj", &subject, "-keyout", &key, "-out", &pem]);
}

fn certificate(directory: &Path, name: &str, authority: &str) {
    let subject = format!("/CN={name}");
    let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
    let (ca, ca_key) = (format!("{authority}.pem"), format!("{authority}.key"));
    let extensions =
        ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:false"];
    let request = ["req", "-x509", "-nodes", "-subj", &subject, "-keyout", &key, "-out", &pem];
    openssl(directory, &[&request[..], &["-CA", &ca, "-CAkey", &ca_key], &extensions].concat());
}

fn openssl(directory: &Path, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(directory).output();
    let made = made.expect("openssl is not installed; on Debian: apt-get install -y openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
