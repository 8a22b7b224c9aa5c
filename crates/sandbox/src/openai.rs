//! The OpenAI dialect: chat completions, streamed and not, its error bodies and its list of models.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/chat>.
//! Invariant: a stream carries usage only where `stream_options.include_usage` asked for it, in its last
//! chunk.

use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::ask::{Ask, Forced, Tool, chars_of, flag, messages_of, model_of, role_of, text_of};
use crate::knobs::UsageFault;
use crate::play::Event;
use crate::prices::Model;
use crate::refusal::Refusal;
use crate::script::{Finish, Rendering, ToolCall};
use crate::tokens::Tokens;

/// Wants any bearer token.
pub(crate) fn authenticate(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.strip_prefix("Bearer ").is_some_and(|key| !key.trim().is_empty()) {
        return Ok(());
    }
    let message = "You didn't provide an API key. You need to provide your API key in an Authorization header using \
                   Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
    Err(Refusal::new(401, message))
}

/// Reads a chat completion request.
pub(crate) fn ask(body: &Value) -> Result<Ask, Refusal> {
    let messages = messages_of(body)?;
    let last_user = messages.iter().rev().find(|message| role_of(message) == "user");
    let last = messages.last().filter(|message| role_of(message) == "tool");
    let content = |message: &Value| message.get("content").map(text_of).unwrap_or_default();
    let cap = body.get("max_completion_tokens").or_else(|| body.get("max_tokens")).and_then(Value::as_u64);
    Ok(Ask {
        model: model_of(body)?,
        stream: flag(body, "stream"),
        include_usage: body.get("stream_options").is_some_and(|options| flag(options, "include_usage")),
        choices: body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128),
        prompt: last_user.map(content).unwrap_or_default(),
        prompt_chars: chars_of(messages),
        max_tokens: cap,
        tools: tools(body),
        forced: forced(body.get("tool_choice")),
        tool_result: last.map(content),
        wants_thinking: false,
        answer_schema: body.get("response_format").and_then(answer_schema),
    })
}

/// Refuses what this model does not do.
pub(crate) fn check(model: &Model, body: &Value) -> Result<(), Refusal> {
    if model.prices.output.is_none() {
        let message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint.";
        return Err(Refusal { param: Some("model"), ..Refusal::new(404, message) });
    }
    if model.reasons && body.get("max_tokens").is_some_and(|cap| !cap.is_null()) {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. \
                       Use 'max_completion_tokens' instead.";
        let code = Some("unsupported_parameter");
        return Err(Refusal { param: Some("max_tokens"), code, ..Refusal::invalid(message) });
    }
    Ok(())
}

fn tools(body: &Value) -> Vec<Tool> {
    let offered = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    let functions = offered.filter_map(|tool| tool.get("function"));
    functions
        .filter_map(|function| {
            let name = function.get("name")?.as_str()?.to_owned();
            Some(Tool { name, schema: function.get("parameters").cloned().unwrap_or_default() })
        })
        .collect()
}

fn forced(choice: Option<&Value>) -> Forced {
    match choice {
        Some(Value::String(word)) if word == "required" => Forced::Any,
        Some(Value::Object(_)) => {
            let name = choice.and_then(|choice| choice.pointer("/function/name")).and_then(Value::as_str);
            name.map_or(Forced::No, |name| Forced::Named(name.to_owned()))
        }
        _ => Forced::No,
    }
}

fn answer_schema(format: &Value) -> Option<Value> {
    match format.get("type")?.as_str()? {
        "json_schema" => format.pointer("/json_schema/schema").cloned(),
        "json_object" => Some(json!({"type": "object", "properties": {"answer": {"type": "string"}}})),
        _ => None,
    }
}

/// The whole completion.
pub(crate) fn completion(made: &Rendering<'_>) -> Value {
    let answer = made.answer;
    let choices: Vec<Value> = (0..answer.choices)
        .map(|index| {
            let has_text = answer.tool.is_none() || !answer.text.is_empty();
            let mut message = json!({
                "role": "assistant",
                "content": has_text.then_some(&answer.text),
                "refusal": null,
                "annotations": [],
            });
            if let Some(tool) = &answer.tool {
                message["tool_calls"] = json!([tool_call(made, index, tool)]);
            }
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish_reason(made)})
        })
        .collect();
    let mut body = json!({
        "id": id(made),
        "object": "chat.completion",
        "created": made.created_s,
        "model": made.model.served_as,
        "choices": choices,
    });
    if let Some(usage) = usage(&answer.tokens, made.usage_fault) {
        body["usage"] = usage;
    }
    body["service_tier"] = json!("default");
    body["system_fingerprint"] = json!(FINGERPRINT);
    body
}

const FINGERPRINT: &str = "fp_5a4d8b0x01";

fn id(made: &Rendering<'_>) -> String {
    format!("chatcmpl-Sandbox{:022}", made.seq)
}

fn tool_call(made: &Rendering<'_>, index: u64, tool: &ToolCall) -> Value {
    json!({
        "id": format!("call_{:020}{index:04}", made.seq),
        "type": "function",
        "function": {"name": tool.name, "arguments": tool.arguments},
    })
}

fn finish_reason<'a>(made: &'a Rendering<'_>) -> &'a str {
    match &made.answer.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Tool => "tool_calls",
        Finish::Scripted(reason) => reason,
    }
}

/// Usage as this dialect reports it: cached tokens inside the prompt, reasoning inside the completion.
fn usage(tokens: &Tokens, fault: Option<UsageFault>) -> Option<Value> {
    match fault {
        Some(fault) => fault.counts().map(|[prompt, completion]| {
            json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt})
        }),
        None => Some(json!({
            "prompt_tokens": tokens.prompt(),
            "completion_tokens": tokens.generated(),
            "total_tokens": tokens.prompt().saturating_add(tokens.generated()),
            "prompt_tokens_details": {"cached_tokens": tokens.cached_input, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": tokens.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        })),
    }
}

/// The completion as a stream.
pub(crate) fn events(made: &Rendering<'_>) -> Vec<Event> {
    let answer = made.answer;
    let content = answer.tool.is_none().then_some("");
    let opening = |_| json!({"role": "assistant", "content": content, "refusal": null});
    let mut events = vec![Event::frame(deltas(made, &opening, None))];
    for piece in answer.text_pieces() {
        events.push(Event::content(deltas(made, &|_| json!({"content": piece}), None)));
    }
    if let Some(tool) = &answer.tool {
        let opened = ToolCall { name: tool.name.clone(), arguments: String::new() };
        let named = |index| {
            let mut call = tool_call(made, index, &opened);
            call["index"] = json!(0);
            json!({"tool_calls": [call]})
        };
        events.push(Event::frame(deltas(made, &named, None)));
        for piece in answer.argument_pieces() {
            let fragment = |_| json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
            events.push(Event::content(deltas(made, &fragment, None)));
        }
    }
    let mut closing = deltas(made, &|_| json!({}), Some(finish_reason(made)));
    if made.include_usage
        && let Some(usage) = usage(&answer.tokens, made.usage_fault)
    {
        closing.push_str(&data(&chunk(made, json!([]), usage)));
    }
    closing.push_str("data: [DONE]\n\n");
    events.push(Event::frame(closing));
    events
}

/// The same delta for every choice.
fn deltas(made: &Rendering<'_>, delta: &dyn Fn(u64) -> Value, finish: Option<&str>) -> String {
    (0..made.answer.choices)
        .map(|index| {
            let choice =
                json!({"index": index, "delta": delta(index), "logprobs": null, "finish_reason": finish});
            data(&chunk(made, json!([choice]), Value::Null))
        })
        .collect()
}

fn chunk(made: &Rendering<'_>, choices: Value, usage: Value) -> Value {
    let mut chunk = json!({
        "id": id(made),
        "object": "chat.completion.chunk",
        "created": made.created_s,
        "model": made.model.served_as,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
    });
    if made.include_usage {
        chunk["usage"] = usage;
    }
    chunk
}

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// The error body.
pub(crate) fn error(refusal: &Refusal) -> Value {
    let (kind, usual_code) = match refusal.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    let code = refusal.code.or(usual_code);
    json!({"error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": code}})
}

/// The error event in the middle of a stream.
pub(crate) fn error_event(message: Option<&str>) -> String {
    let message =
        message.unwrap_or("The server had an error while processing your request. Sorry about that!");
    data(&error(&Refusal::new(500, message)))
}

pub(crate) fn unknown_model(name: &str) -> Refusal {
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    Refusal { code: Some("model_not_found"), ..Refusal::new(404, message) }
}

/// The list of models.
pub(crate) fn models(models: &[Model]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|model| json!({"id": model.name, "object": "model", "created": 1_744_316_542, "owned_by": "system"}))
        .collect();
    json!({"object": "list", "data": data})
}
