use bytes::Bytes;
use providers::ChatRequest;

use super::*;

fn prompt(body: &'static str) -> Text {
    let Ok(request) = ChatRequest::parse(&Bytes::from_static(body.as_bytes())) else {
        panic!("a good request")
    };
    request.prompt_text()
}

const HELLO: &str = r#"{"messages": [{"role": "user", "content": "tiktoken is great!"}]}"#;
const TOOLS: &str = r#"{"messages": [{"role": "user", "content": "tiktoken is great!"}], "tools": [{"type": "function", "function": {"name": "f"}}]}"#;

async fn tally(model: &str, prompt: Text) -> Tally {
    Counting::new(TaskTracker::new(), CancellationToken::new()).tally(model, prompt, Text::default()).await
}

/// Six of text, one of the role, three around the message and three before the answer.
#[tokio::test]
async fn a_prompt_of_text_is_counted_with_what_stands_around_it() {
    let counted = Counted { tokens: 13, source: UsageSource::Counted };
    assert_eq!(tally("openai/gpt-4.1-mini", prompt(HELLO)).await.prompt, counted);
}

#[tokio::test]
async fn a_prompt_with_tools_is_estimated_and_dearer() {
    let Tally { prompt, .. } = tally("openai/gpt-4.1-mini", prompt(TOOLS)).await;
    assert_eq!((prompt.source, prompt.tokens > 13), (UsageSource::Estimated, true));
}

#[tokio::test]
async fn only_a_model_with_a_vocabulary_that_shows_what_it_thinks_is_counted() {
    for (model, source) in [
        ("openai/gpt-4.1", UsageSource::Counted),
        ("openai/gpt-5", UsageSource::Estimated),
        ("anthropic/claude-haiku-4.5", UsageSource::Estimated),
    ] {
        let counted =
            Counting::new(TaskTracker::new(), CancellationToken::new()).answer(model, prompt(HELLO)).await;
        assert_eq!(counted.source, source, "{model}");
    }
}
