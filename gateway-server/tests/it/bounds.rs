//! Clients that mean harm, or just do it.

use std::io::{Read, Write};
use std::time::Duration;

use gateway_server::Options;
use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::{Gateway, chat_body, ladder, read_response, wait_until};

fn quick() -> Options {
    Options {
        body_bytes: 10_000,
        body_time: Duration::from_millis(300),
        head_time: Duration::from_millis(300),
        ..Options::default()
    }
}

#[test]
fn a_body_without_measure_is_refused() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = Gateway::start_with(&ladder(&[&provider]), quick());
    // Said beforehand: nothing of it is read.
    let mut socket = gateway.connect();
    write!(socket, "POST /v1/chat/completions HTTP/1.0\r\ncontent-length: 9999999999\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(socket).status, 413);
    // Not said: found on the way.
    let mut socket = gateway.connect();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let head =
        "POST /v1/messages HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    write!(socket, "{head}{}", chunk.repeat(3)).unwrap();
    let response = read_response(socket);
    assert_eq!(response.status, 413, "{}", response.body);
    assert!(response.body.contains("request_too_large"), "{}", response.body);
    assert!(provider.posts().is_empty());
}

#[test]
fn a_request_that_trickles_is_ended() {
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start_with(&ladder(&[&provider]), quick());
    let mut socket = gateway.connect();
    write!(socket, "POST /v1/chat/completions HTTP/1.1\r\nx-slow: ").unwrap();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let mut socket = gateway.connect();
    write!(socket, "POST /v1/chat/completions HTTP/1.0\r\ncontent-length: 50\r\n\r\n{{").unwrap();
    assert_eq!(read_response(socket).status, 408);
}

#[test]
fn what_is_no_request_is_refused_and_nothing_is_sent() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let deep = format!("{{\"model\":\"m0\",\"messages\":{}", "[".repeat(100_000));
    for body in
        ["", "null", "[]", "{\"model\":", "{\"model\":\"m0\",\"model\":\"m1\"}", &deep, "\u{1}"]
    {
        for path in ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"] {
            let response = gateway.send("POST", path, &[], body);
            assert_eq!(response.status, 400, "{path}: {}", response.body);
            assert!(response.json().get("error").is_some(), "{}", response.body);
        }
    }
    assert!(provider.posts().is_empty());
}

#[test]
fn names_from_outside_reach_no_header_and_no_line() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.chat("m0\r\nx-injected: 1", false);
    assert_eq!(response.status, 404);
    assert!(response.header("x-injected").is_none());
    let body = chat_body("m0", false).to_string();
    for header in [("x-gateway-task", "rm -rf"), ("x-gateway-deadline-ms", "soon")] {
        let refused = gateway.send("POST", "/v1/chat/completions", &[header], &body);
        assert_eq!(refused.status, 400, "{header:?}");
    }
    // What an endpoint sets is not passed on either.
    let cookie = Reply::whole("Yes.").header("set-cookie", "a=b");
    let provider = Provider::start([cookie]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    assert!(gateway.chat("m0", false).header("set-cookie").is_none());
}

#[test]
fn an_endpoint_that_never_stops_is_cut_off() {
    let endless = vec![b'x'; 5 * 1024 * 1024];
    let event = String::from_utf8(endless).unwrap();
    let first = Provider::start([Reply::events([event])]).unwrap();
    let second = Provider::start([Reply::answer("Yes.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    assert_eq!(gateway.chat("m0", true).text(), "Yes.");
}

#[test]
fn a_server_that_stops_lets_answers_end() {
    let slow = Reply::answer("One two three four.").gap(Duration::from_millis(100));
    let provider = Provider::start([slow]).unwrap();
    let Gateway { address, stop, runtime, server, .. } = Gateway::start(&ladder(&[&provider]));
    let client = std::thread::spawn(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let body = chat_body("m0", true).to_string();
        let head = "POST /v1/chat/completions HTTP/1.0\r\n";
        write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        read_response(socket)
    });
    while provider.posts().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    stop.send(()).unwrap();
    assert_eq!(client.join().unwrap().text(), "One two three four.");
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
    drop((runtime, server));
}

#[test]
fn an_open_server_stays_on_this_machine() {
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let refused = gateway.runtime.block_on(gateway.server.listen(anywhere, false));
    assert!(matches!(refused, Err(gateway_server::StartError::Open)));
    assert_eq!(gateway.post("/v1/chat/completions", &json!({ "model": "m0" })).status, 503);
}

#[test]
fn bodies_that_take_all_the_room_are_refused_and_the_room_is_given_back() {
    let long = Reply::whole(&"x".repeat(100_000));
    let provider = Provider::start([long, Reply::whole("Yes.")]).unwrap();
    let options = Options { bodies_bytes: 64 * 1024, ..Options::default() };
    let gateway = Gateway::start_with(&ladder(&[&provider]), options);
    let refused = |response: &crate::Response| {
        assert_eq!(response.status, 503, "{}", response.body);
        assert_eq!(response.json()["error"]["code"], "no_room");
        assert_eq!(response.header("retry-after"), Some("1"));
    };
    // An answer that has no room is not the endpoint's fault.
    refused(&gateway.chat("m0", false));
    assert_eq!(gateway.chat("m0", false).status, 200);
    assert_eq!(provider.posts().len(), 2);

    // A client that sends the half of its body and waits.
    let mut slow = gateway.connect();
    let head = "POST /v1/chat/completions HTTP/1.0\r\n";
    write!(slow, "{head}content-length: 120000\r\n\r\n{}", "x".repeat(60_000)).unwrap();
    let used = || gateway.get("/status").json()["body_bytes"].as_u64().unwrap();
    wait_until("its half is there", || used() == 60_000);
    let mut body = chat_body("m0", false);
    body["user"] = "y".repeat(10_000).into();
    refused(&gateway.post("/v1/chat/completions", &body));
    assert_eq!(gateway.chat("m0", false).status, 200, "a short one still fits");
    drop(slow);
    wait_until("the room is given back", || used() == 0);
    assert_eq!(gateway.post("/v1/chat/completions", &body).status, 200);
    wait_until("nothing is kept", || used() == 0);
    assert!(gateway.get("/metrics").body.contains("silk_gateway_no_room_total 2"));
}
