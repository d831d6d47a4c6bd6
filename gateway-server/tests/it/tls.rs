//! TLS towards clients, with certificates that `openssl` makes for each test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_server::{Options, Tls, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use scripted_provider::{Provider, Reply};
use tempfile::TempDir;

use crate::clients::{ask_by, python};
use crate::{Gateway, chat_body, ladder, read_response, wait_until};

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate of `127.0.0.1` for 30 days, and who signed it.
pub(crate) struct Made {
    folder: TempDir,
}

impl Made {
    /// `None`: there is no `openssl`. Where parts are required there must be.
    pub(crate) fn new() -> Option<Self> {
        let made = Self { folder: TempDir::new().unwrap() };
        let steps = [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Tests -keyout ca.key -out ca.pem",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=gateway -keyout key.pem -out asked.csr",
            "x509 -req -in asked.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names.txt -out cert.pem",
            "pkey -in key.pem -aes256 -passout pass:secret -out locked.pem",
            "genrsa -traditional -out other.pem 2048",
        ];
        std::fs::write(made.path("names.txt"), "subjectAltName=IP:127.0.0.1").unwrap();
        for step in steps {
            let mut openssl = Command::new("openssl");
            match openssl.args(step.split(' ')).current_dir(&made.folder).output() {
                Ok(output) => assert!(output.status.success(), "{step}: {output:?}"),
                Err(error) => {
                    let why = format!("no openssl: {error}");
                    assert!(std::env::var_os("SILK_REQUIRE_PARTS").is_none(), "{why}");
                    eprintln!("skipped: {why}");
                    return None;
                }
            }
        }
        Some(made)
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn load(&self, cert: &str, key: &str, wall: SystemTime) -> Result<Tls, TlsError> {
        Tls::from_pem(&self.read(cert), &self.read(key), wall)
    }

    fn tls(&self) -> Tls {
        self.load("cert.pem", "key.pem", SystemTime::now()).unwrap()
    }
}

/// A gateway that speaks TLS, and its address as clients write it.
fn start(provider: &Provider, made: &Made, options: Options) -> Gateway {
    let gateway = Gateway::start_with(&ladder(&[provider]), options);
    gateway.server.use_tls(made.tls());
    gateway
}

/// A client that trusts `ca` and nobody else.
fn connect(gateway: &Gateway, ca: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, gateway.connect())
}

/// The whole answer to a chat over TLS.
fn chat(gateway: &Gateway, ca: &Path, stream: bool) -> std::io::Result<String> {
    let mut socket = connect(gateway, ca);
    let body = chat_body("m0", stream).to_string();
    let head = "POST /v1/chat/completions HTTP/1.0\r\n";
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn answers_and_streams_go_over_tls() {
    let Some(made) = Made::new() else { return };
    let provider = Provider::start([Reply::whole("Yes."), Reply::answer("It divides.")]).unwrap();
    let gateway = start(&provider, &made, Options::default());
    assert!(chat(&gateway, &made.path("ca.pem"), false).unwrap().contains("Yes."));
    // To its end by the rules of TLS: a cut would be an error here.
    let stream = chat(&gateway, &made.path("ca.pem"), true).unwrap();
    assert!(stream.contains("divides.") && stream.trim_end().ends_with("[DONE]"), "{stream}");
}

#[test]
fn a_new_certificate_is_shown_to_whoever_comes_then() {
    let (Some(old), Some(new)) = (Made::new(), Made::new()) else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = start(&provider, &old, Options::default());
    let mut stands = connect(&gateway, &old.path("ca.pem"));
    write!(stands, "GET /health HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    let mut some = [0; 512];
    assert!(stands.read(&mut some).unwrap() > 0);
    gateway.server.use_tls(new.tls());
    assert!(chat(&gateway, &new.path("ca.pem"), false).unwrap().contains("Yes."));
    assert!(chat(&gateway, &old.path("ca.pem"), false).is_err(), "it is not the old one's");
    assert_eq!(gateway.chat("m0", false).status, 400, "not without TLS");
    wait_until("both are counted", || {
        let mut socket = connect(&gateway, &new.path("ca.pem"));
        write!(socket, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut metrics = String::new();
        socket.read_to_string(&mut metrics).unwrap();
        let counts = |why: &str| {
            metrics.contains(&format!("silk_gateway_failed_handshakes_total{{why=\"{why}\"}} 1"))
        };
        counts("refused") && counts("plain_http")
    });
    // What stood goes on.
    write!(stands, "GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut rest = String::new();
    stands.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"ok\""), "{rest}");
}

#[test]
fn plain_http_is_told_to_speak_tls() {
    let Some(made) = Made::new() else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = start(&provider, &made, Options::default());
    let told = gateway.chat("m0", false);
    assert_eq!((told.status, &told.json()["error"]["code"]), (400, &"https_needed".into()));
    assert!(told.body.contains("https://"), "{}", told.body);
    assert!(provider.posts().is_empty());
}

#[test]
fn what_is_no_handshake_costs_only_itself() {
    let Some(made) = Made::new() else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let options = Options { head_time: Duration::from_millis(300), ..Options::default() };
    let gateway = start(&provider, &made, options);
    for said in
        [&b""[..], b"\x16", b"\x16\x03\x01\xff\xff", b"\x00\x00", b"GET / HTTP", b"\xff\xff\xff"]
    {
        let mut socket = gateway.connect();
        socket.write_all(said).unwrap();
        // It ends, be it by an alert, by silence past the bound, or by a reset.
        let mut rest = Vec::new();
        let ended = socket.read_to_end(&mut rest);
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!ended.as_ref().is_err_and(timed_out), "{said:?}: {ended:?}");
    }
    let mut cut = gateway.connect();
    write!(cut, "POST /v1/chat/completions HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read_response(cut).status, 400);
    let long = Options { head_time: Duration::from_secs(30), ..Options::default() };
    let gateway = start(&provider, &made, long);
    assert!(chat(&gateway, &made.path("ca.pem"), false).unwrap().contains("Yes."));
}

#[test]
fn what_cannot_be_served_with_is_told_apart() {
    let Some(made) = Made::new() else { return };
    let now = SystemTime::now();
    let until = made.tls().good_until().unwrap().duration_since(now).unwrap();
    assert!(until > DAY * 29 && until < DAY * 31, "{until:?}");
    let load = |cert, key, wall| made.load(cert, key, wall).map(|_| ()).unwrap_err();
    assert!(matches!(load("cert.pem", "cert.pem", now), TlsError::NoKey));
    assert!(matches!(load("key.pem", "key.pem", now), TlsError::NoCertificate));
    assert!(matches!(load("cert.pem", "locked.pem", now), TlsError::EncryptedKey));
    assert!(matches!(load("cert.pem", "other.pem", now), TlsError::WrongPair));
    assert!(matches!(load("cert.pem", "ca.key", now), TlsError::WrongPair));
    let expired = load("cert.pem", "key.pem", now + DAY * 31);
    assert!(matches!(&expired, TlsError::Expired { .. }), "{expired}");
    assert!(expired.to_string().contains("expired on 20"), "{expired}");
    let early = load("cert.pem", "key.pem", now - DAY * 2);
    assert!(matches!(&early, TlsError::NotYet { .. }), "{early}");
    let nonsense = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    let nonsense = Tls::from_pem(nonsense, &made.read("key.pem"), now).map(|_| ()).unwrap_err();
    assert!(matches!(nonsense, TlsError::NoPem(_)), "{nonsense}");
    let empty = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let empty = Tls::from_pem(empty, &made.read("key.pem"), now).map(|_| ()).unwrap_err();
    assert!(matches!(empty, TlsError::Unusable(_)), "{empty}");
}

#[test]
fn both_sdks_trust_the_authority_they_are_given() {
    let Some(python) = python("openai, anthropic") else { return };
    let Some(made) = Made::new() else { return };
    for sdk in ["openai", "anthropic"] {
        let replies = [Reply::whole("It divides."), Reply::answer("It divides the clock.")];
        let provider = Provider::start(replies).unwrap();
        let gateway = start(&provider, &made, Options::default());
        let base = format!("https://{}", gateway.address);
        let ask = |what| {
            let mut trusting = Command::new(&python);
            trusting.env("SSL_CERT_FILE", made.path("ca.pem")).env_remove("SSL_CERT_DIR");
            ask_by(trusting, &base, sdk, "m0", what)
        };
        assert_eq!(ask("chat")["text"], "It divides.", "{sdk}");
        assert_eq!(ask("stream")["text"], "It divides the clock.", "{sdk}");
        let stranger = ask_by(Command::new(&python), &base, sdk, "m0", "chat");
        assert_eq!(stranger["error"], "APIConnectionError", "{sdk}: {stranger}");
        assert_eq!(provider.posts().len(), 2);
    }
}
