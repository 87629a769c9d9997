//! Connections to others, plain or over TLS: how they are made, and whom we trust.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Whom we trust: the authorities of this machine, and those of a file. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Trust(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    extra: Vec<CertificateDer<'static>>,
    /// Made when the first connection needs it: a machine's authorities are many, and most never do.
    config: OnceLock<Arc<ClientConfig>>,
}

/// A file of authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} holds no certificates of authorities (PEM): {reason}", path.display())]
pub struct BadAuthorities {
    path: PathBuf,
    reason: String,
}

/// A connection over which an exchange can be held.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Trust {
    /// Trusts the authorities of this machine, and beside them those of the file, if one is given.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, or holds no certificate.
    pub fn beside(file: Option<&Path>) -> Result<Self, BadAuthorities> {
        let Some(path) = file else {
            return Ok(Self::default());
        };
        let bad = |reason: String| BadAuthorities {
            path: path.to_owned(),
            reason,
        };
        let text = fs::read(path).map_err(|error| bad(error.to_string()))?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let extra = read.map_err(|error| bad(error.to_string()))?;
        if extra.is_empty() {
            return Err(bad("there is none in it".to_owned()));
        }
        Ok(Self(Arc::new(Inner {
            extra,
            config: OnceLock::new(),
        })))
    }

    /// Connects to the host of an `http://` or `https://` address.
    ///
    /// # Errors
    ///
    /// Fails when the address is another one, nobody answers, or the other side proves to be nobody
    /// whom we trust.
    pub(crate) async fn dial(&self, url: &Url) -> io::Result<Box<dyn Stream>> {
        let unusable = || io::Error::new(io::ErrorKind::InvalidInput, "no usable address");
        let host = url.host().ok_or_else(unusable)?;
        let port = url.port_or_known_default().ok_or_else(unusable)?;
        let stream = match host {
            // Names below `localhost` are this machine, also where the resolver does not know that.
            Host::Domain(name) if name.ends_with(".localhost") => {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
            }
            Host::Domain(name) => TcpStream::connect((name, port)).await,
            Host::Ipv4(ip) => TcpStream::connect((ip, port)).await,
            Host::Ipv6(ip) => TcpStream::connect((ip, port)).await,
        }?;
        match url.scheme() {
            "http" => Ok(Box::new(stream)),
            "https" => {
                let name = match host {
                    Host::Domain(name) => {
                        ServerName::try_from(name.to_owned()).map_err(|_| unusable())?
                    }
                    Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
                    Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
                };
                let connector = TlsConnector::from(self.config()?);
                Ok(Box::new(connector.connect(name, stream).await?))
            }
            _ => Err(unusable()),
        }
    }

    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(known) = self.0.config.get() {
            return Ok(Arc::clone(known));
        }
        let mut roots = RootCertStore::empty();
        // Certificates that nobody can read are the machine's business; the others still count.
        let machine = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(machine);
        for one in &self.0.extra {
            roots.add(one.clone()).map_err(io::Error::other)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::clone(self.0.config.get_or_init(|| Arc::new(config))))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::ServerConfig;
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server that says `hello` over TLS as `localhost`, and its authority's certificate.
    async fn server(tasks: &mut JoinSet<()>) -> (u16, String) {
        let mut ours = CertificateParams::new(Vec::new()).unwrap();
        ours.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = ours.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(ours, key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tasks.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust us ends the handshake.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.write_all(b"hello").await.unwrap();
                    let _ = stream.shutdown().await;
                }
            }
        });
        (port, authority)
    }

    async fn said(trust: &Trust, url: &str) -> io::Result<String> {
        let mut stream = trust.dial(&url.parse().unwrap()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn the_authorities_of_the_file_are_trusted_and_nobody_else() {
        let mut tasks = JoinSet::new();
        let (port, authority) = server(&mut tasks).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), authority).unwrap();
        let ours = Trust::beside(Some(file.path())).unwrap();
        let url = format!("https://localhost:{port}/");
        assert_eq!(said(&ours, &url).await.unwrap(), "hello");
        let stranger = said(&Trust::default(), &url).await.unwrap_err();
        assert!(stranger.to_string().contains("certificate"), "{stranger}");
        // Right authority, wrong name.
        let other = format!("https://127.0.0.1:{port}/");
        assert!(said(&ours, &other).await.is_err());
    }

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "hello\n").unwrap();
        let refused = Trust::beside(Some(file.path())).unwrap_err().to_string();
        assert!(refused.contains("holds no certificates"), "{refused}");
        assert!(Trust::beside(Some(Path::new("/nowhere.pem"))).is_err());
    }
}
