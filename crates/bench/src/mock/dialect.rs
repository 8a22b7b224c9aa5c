//! The two dialects the mock speaks, as ready texts.
//!
//! Invariant: every answer ends with its usage, because a gateway that does not find it does other work.

/// A provider's wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Chat completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

/// The parts of a stream: `opening`, then `chunk` as often as asked, then `closing`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streamed {
    pub(super) opening: &'static [u8],
    pub(super) chunk: &'static [u8],
    pub(super) closing: &'static [u8],
}

impl Dialect {
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.ends_with("/chat/completions") {
            Some(Self::OpenAi)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else {
            None
        }
    }

    pub(super) fn whole(self) -> &'static [u8] {
        match self {
            Self::OpenAi => concat!(
                r#"{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","#,
                r#""choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps "#,
                r#"over the lazy dog."},"finish_reason":"stop"}],"#,
                r#""usage":{"prompt_tokens":20,"completion_tokens":20,"total_tokens":40}}"#
            )
            .as_bytes(),
            Self::Anthropic => concat!(
                r#"{"id":"msg_mock","type":"message","role":"assistant","model":"mock","#,
                r#""content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog."}],"#,
                r#""stop_reason":"end_turn","stop_sequence":null,"#,
                r#""usage":{"input_tokens":20,"output_tokens":20}}"#
            )
            .as_bytes(),
        }
    }

    pub(super) fn streamed(self) -> Streamed {
        match self {
            Self::OpenAi => OPENAI,
            Self::Anthropic => ANTHROPIC,
        }
    }
}

macro_rules! openai_chunk {
    ($rest:literal) => {
        concat!(
            r#"data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock","#,
            $rest,
            "}\n\n"
        )
    };
}

const OPENAI: Streamed = Streamed {
    opening: openai_chunk!(
        r#""choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#
    )
    .as_bytes(),
    chunk: openai_chunk!(r#""choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]"#)
        .as_bytes(),
    closing: concat!(
        openai_chunk!(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#),
        openai_chunk!(
            r#""choices":[],"usage":{"prompt_tokens":20,"completion_tokens":20,"total_tokens":40}"#
        ),
        "data: [DONE]\n\n"
    )
    .as_bytes(),
};

const ANTHROPIC: Streamed = Streamed {
    opening: concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"id":"msg_mock","type":"message","role":"assistant","#,
        r#""model":"mock","content":[],"stop_reason":null,"usage":{"input_tokens":20,"output_tokens":1}}}"#,
        "\n\nevent: content_block_start\n",
        r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        "\n\n"
    )
    .as_bytes(),
    chunk: concat!(
        "event: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"#,
        "\n\n"
    )
    .as_bytes(),
    closing: concat!(
        "event: content_block_stop\n",
        r#"data: {"type":"content_block_stop","index":0}"#,
        "\n\nevent: message_delta\n",
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":20}}"#,
        "\n\nevent: message_stop\n",
        "data: {\"type\":\"message_stop\"}\n\n"
    )
    .as_bytes(),
};
