//! Vectors of texts.

use gateway_client::{ClientError, HttpTransport};
use scripted_provider::{Provider, Reply, Setup};

use crate::{PATIENT, endpoint};

async fn embed(provider: &Provider, texts: &[&str]) -> Result<Vec<Vec<f32>>, ClientError> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let transport = HttpTransport::default();
    transport.embed(&endpoint(&provider.url()), None, &texts, PATIENT.first_event).await
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts() {
    let embed_length = |text: &str| vec![text.len() as f32, 1.0];
    let setup = Setup { embed: Some(embed_length), ..Setup::default() };
    let provider = Provider::start_with(setup, []).unwrap();
    let vectors = embed(&provider, &["baud", "rate", "a"]).await.unwrap();
    assert_eq!(vectors, [[4.0, 1.0], [4.0, 1.0], [1.0, 1.0]]);
    let asked = provider.posts()[0].json();
    assert_eq!((asked["model"].is_null(), &asked["input"][2]), (true, &"a".into()));
    assert!(embed(&provider, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_a_vector_for_each_text_is_refused() {
    for body in [
        "hello",
        r#"{"data": []}"#,
        r#"{"data": [{"index": 0, "embedding": [1.0]}]}"#,
        r#"{"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": []}]}"#,
        r#"{"data": [{"index": 0, "embedding": [1.0]}, {"index": 7, "embedding": [1.0]}]}"#,
        r#"{"data": [{"index": 0, "embedding": ["a"]}, {"index": 1, "embedding": [1.0]}]}"#,
    ] {
        let provider = Provider::start([Reply::body(200, "application/json", body)]).unwrap();
        let error = embed(&provider, &["one", "two"]).await.unwrap_err();
        assert!(matches!(error, ClientError::BadEvent { .. }), "{body}: {error}");
    }
    let provider = Provider::start([Reply::error(404, "no embeddings here")]).unwrap();
    let error = embed(&provider, &["one"]).await.unwrap_err();
    assert!(matches!(error, ClientError::Status { code: 404, .. }), "{error}");
}
