//! `silk gateway serve` and `status` as programs: what they print, take over and end with.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scripted_provider::{Provider, Reply, TunnelProxy};

use crate::gateway_process::Gateway;
use crate::silk::Silk;

const KEY: &str = "sk-master";

fn config(provider: &Provider, model: &str) -> String {
    format!(
        "model_list:\n  - model_name: {model}\n    litellm_params: {{ model: openai/up, api_base: \"{}\", api_key: k }}\ngeneral_settings:\n  master_key: {KEY}\n",
        provider.url()
    )
}

fn start(silk: &Silk, arguments: &[&str]) -> Gateway {
    Gateway::start(silk, "config.yaml", arguments)
}

/// The whole response to a question.
fn ask(address: &str, model: &str) -> String {
    let body =
        format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"secret words"}}]}}"#);
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!("POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer {KEY}\r\n");
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_gateway_serves_reloads_tells_its_status_and_ends() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let silk = Silk::new().with("SILK_GATEWAY_KEY", KEY);
    silk.write("config.yaml", config(&provider, "old"));
    let mut gateway = start(&silk, &["--access-log", "access.jsonl"]);
    let address = gateway.address.clone();
    assert!(ask(&address, "old").contains("Yes."));
    let url = format!("http://{address}");
    let status = silk.run(["gateway", "status", "--url", &url, "--json"]).expect(0).json();
    assert_eq!(status[0]["deployments"][0]["group"], "old");
    // A signal loads the changed file; one that makes no sense changes nothing.
    silk.write("config.yaml", config(&provider, "new"));
    kill(Pid::from_raw(gateway.child.id() as i32), Signal::SIGHUP).unwrap();
    let begun = Instant::now();
    while !ask(&address, "new").contains("Yes.") {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never took over the new file");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(gateway.child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(143));
    let log = std::fs::read_to_string(silk.home.path().join("access.jsonl")).unwrap();
    assert!(log.lines().count() >= 2 && log.contains("\"end\":\"whole\""), "{log}");
    assert!(!log.contains("secret") && !log.contains(KEY), "{log}");
    silk.run(["gateway", "status", "--url", &url]).expect(108);
}

/// Makes a certificate of this machine's and its key. False: there is no `openssl`.
fn certify(silk: &Silk, cert: &str, key: &str) -> bool {
    certify_for(silk, "IP:127.0.0.1", cert, key)
}

/// The same for `name`.
fn certify_for(silk: &Silk, name: &str, cert: &str, key: &str) -> bool {
    let made = std::process::Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10".split(' '))
        .args(["-subj", "/CN=gateway", "-addext", &format!("subjectAltName={name}")])
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args(["-out", cert, "-keyout", key])
        .current_dir(silk.home.path())
        .output();
    match made {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            assert!(std::env::var_os("SILK_REQUIRE_PARTS").is_none(), "no openssl: {error}");
            eprintln!("skipped: no openssl: {error}");
            return false;
        }
    }
    true
}

#[test]
fn a_gateway_speaks_tls_and_takes_over_a_renewed_certificate() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let silk = Silk::new().with("SILK_GATEWAY_KEY", KEY);
    if !certify(&silk, "cert.pem", "key.pem") || !certify(&silk, "new.pem", "new.key") {
        return;
    }
    silk.write("config.yaml", config(&provider, "m"));
    let files = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let mut gateway = start(&silk, &files);
    let address = gateway.address.clone();
    assert!(ask(&address, "m").contains("https_needed"));
    let url = format!("https://{address}");
    let status = ["gateway", "status", "--url", &url, "--json"];
    let trusting = |cert: &str| {
        let cert = silk.home.path().join(cert);
        let mut command = silk.command();
        command.args(status).env("SSL_CERT_FILE", cert).env_remove("SSL_CERT_DIR");
        command.output().unwrap().status.success()
    };
    assert!(trusting("cert.pem") && !trusting("new.pem"));
    // Renewed by whatever renews it; the gateway sees it by itself.
    for (new, old) in [("new.key", "key.pem"), ("new.pem", "cert.pem")] {
        let path = |name| silk.home.path().join(name);
        std::fs::copy(path(new), path(old)).unwrap();
    }
    let begun = Instant::now();
    while !trusting("new.pem") {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never took over the new one");
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(gateway.child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(143));
}

#[test]
fn what_cannot_be_served_with_is_told_with_the_next_step() {
    let provider = Provider::start([]).unwrap();
    let silk = Silk::new();
    if !certify(&silk, "cert.pem", "key.pem") || !certify(&silk, "other.pem", "other.key") {
        return;
    }
    silk.write("config.yaml", config(&provider, "m"));
    let serve = ["gateway", "serve", "--config", "config.yaml", "--listen", "127.0.0.1:0"];
    for (cert, key, what, hint) in [
        ("none.pem", "key.pem", "cannot read `none.pem`", ""),
        ("key.pem", "key.pem", "`key.pem` holds no certificate", "--tls-cert takes PEM"),
        ("cert.pem", "cert.pem", "`cert.pem` holds no private key", "--tls-key takes PEM"),
        ("cert.pem", "other.key", "`other.key` is not the key of", "openssl x509 -noout -pubkey"),
    ] {
        let run =
            silk.run([&serve[..], &["--tls-cert", cert, "--tls-key", key]].concat()).expect(2);
        assert!(run.stderr.contains(what) && run.stderr.contains(hint), "{}", run.stderr);
    }
    silk.run([&serve[..], &["--tls-cert", "cert.pem"]].concat()).expect(2);
}

#[test]
fn a_gateway_without_keys_stays_on_this_machine() {
    let provider = Provider::start([]).unwrap();
    let silk = Silk::new();
    silk.write("open.yaml", config(&provider, "m").split("general").next().unwrap());
    let serve = ["gateway", "serve", "--config", "open.yaml", "--listen", "0.0.0.0:0"];
    let refused = silk.run(serve).expect(2);
    assert!(refused.stderr.contains("hint: set general_settings.master_key"), "{}", refused.stderr);
    silk.run(["gateway", "serve", "--config", "nowhere.yaml"]).expect(2);
}

/// Killed without a word, it still knows what was spent when it is started again.
#[test]
fn a_budget_outlives_a_gateway_that_is_killed() {
    let provider = Provider::start([Reply::answer("It divides the clock.")]).unwrap();
    let silk = Silk::new().with("SILK_GATEWAY_KEY", KEY);
    silk.write("config.toml", format!(
        "[gateway]\n[gateway.server]\nmaster_key = \"{KEY}\"\n[[gateway.server.users]]\nname = \"ada\"\nkey = \"sk-ada\"\nbudget = 0.015\n[[gateway.endpoints]]\nname = \"a\"\nurl = \"{}\"\nmodels = \"m\"\nfacts = {{ price = {{ output = 2000.0 }} }}\n",
        provider.url()
    ));
    let gateway = Gateway::start(&silk, "config.toml", &[]);
    assert_eq!(gateway.ask("sk-ada", "m").status, 200);
    let folder = silk.home.path().join(".local/state/silk/gateway");
    let begun = Instant::now();
    let file = loop {
        let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "jsonl"));
        match file.filter(|path| std::fs::metadata(path).unwrap().len() > 0) {
            Some(file) => break file,
            None => assert!(begun.elapsed() < Duration::from_secs(20), "nothing was written"),
        }
    };
    gateway.kill();
    // A line that was cut off costs itself.
    let mut text = std::fs::read(&file).unwrap();
    text.extend_from_slice(b"{\"day\":20");
    std::fs::write(&file, text).unwrap();
    let gateway = Gateway::start(&silk, "config.toml", &[]);
    assert_eq!(gateway.ask("sk-ada", "m").status, 200, "0.008 of 0.015 dollars were spent");
    assert_eq!(gateway.ask("sk-ada", "m").status, 429);
    let url = gateway.url();
    let status = silk.run(["gateway", "status", "--url", &url]).expect(0).stdout;
    let row =
        status.lines().find(|line| line.starts_with("ada")).unwrap_or_else(|| panic!("{status}"));
    assert!(row.contains("$0.0160") && row.contains("2 answers, 22 + 8 tokens"), "{row}");
    // Two gateways of one configuration: the second says that it keeps nothing.
    let second = Gateway::start(&silk, "config.toml", &[]);
    assert_eq!(second.ask("sk-ada", "m").status, 200);
    let file = file.to_str().unwrap().to_owned();
    let taken = ["gateway", "serve", "--config", "config.toml", "--listen", "127.0.0.1:0"];
    let taken = silk.run([&taken[..], &["--spend-file", &file]].concat()).expect(2);
    assert!(taken.stderr.contains("another gateway does"), "{}", taken.stderr);
}

/// The proxy of the environment leads to an endpoint whose name only it can look up; what is said
/// inside is TLS between the two ends.
#[test]
fn an_endpoint_behind_a_proxy_is_asked_by_tls_inside_a_tunnel() {
    let provider = Provider::start([Reply::answer("It divides the clock.")]).unwrap();
    let far = Silk::new();
    far.write("config.yaml", config(&provider, "m"));
    if !certify_for(&far, "DNS:models.invalid", "cert.pem", "key.pem") {
        return;
    }
    let files = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let endpoint = start(&far, &files);
    let proxy = TunnelProxy::start(endpoint.address.parse().unwrap(), None).unwrap();
    let near = Silk::new()
        .with("HTTPS_PROXY", format!("http://{}", proxy.address()))
        .with("SSL_CERT_FILE", far.home.path().join("cert.pem").display());
    near.write("config.yaml", format!(
        "model_list:\n  - model_name: m\n    litellm_params: {{ model: openai/m, api_base: \"https://models.invalid/v1\", api_key: {KEY} }}\ngeneral_settings:\n  master_key: sk-near\n"
    ));
    let gateway = start(&near, &[]);
    let answer = gateway.ask("sk-near", "m");
    assert_eq!((answer.status, answer.text().as_str()), (200, "It divides the clock."));
    assert_eq!(proxy.asked(), ["models.invalid:443"]);
}
