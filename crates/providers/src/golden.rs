//! Golden files: put a file into `fixtures/`, get a test.
//!
//! Invariant: no list to edit. `chat/<case>.json` is said in every dialect; `<provider>/<case>.response.json`, `.sse` and
//! `.<status>.error.json` are what that provider answers, written by hand from its documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::Pico;
use domain::model::Dialect;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::{
    AnswerContext, Bill, ChatRequest, ChatStream, Reported, Target, chat_answer, chat_request,
    provider_error, usage_chunk,
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

struct Provider {
    folder: &'static str,
    dialect: Dialect,
    base_url: &'static str,
}

const PROVIDERS: [Provider; 3] = [
    Provider { folder: "openai", dialect: Dialect::OpenAi, base_url: "https://api.openai.com/v1" },
    Provider { folder: "compatible", dialect: Dialect::OpenAi, base_url: "https://models.example/v1/" },
    Provider { folder: "anthropic", dialect: Dialect::Anthropic, base_url: "https://api.anthropic.com/v1" },
];

pub(crate) fn context() -> AnswerContext {
    AnswerContext {
        id: "gen-1790000000-1".to_owned(),
        created: 1_790_000_000,
        model: "author/model".to_owned(),
        provider: "Provider \"P\"".to_owned(),
        exclude_reasoning: false,
    }
}

pub(crate) fn bill(reported: &Reported) -> Bill {
    Bill {
        usage: reported.usage.unwrap_or_default(),
        cost: Pico::new(81_000_001),
        prompt_cost: Some(Pico::new(36_000_000)),
        completion_cost: Some(Pico::new(45_000_001)),
        is_byok: false,
        upstream_cost: None,
    }
}

/// The files of a folder of fixtures whose names end like this, with what comes before.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(Path::new(FIXTURES).join(folder))
        .expect("the folder of fixtures is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            Some((name, path))
        })
        .collect();
    found.sort();
    found
}

fn matches_snapshot(folder: &str, name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(FIXTURES).join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_slice(json).expect("what goes out is JSON");
    serde_json::to_string_pretty(&value).expect("a value can be written")
}

fn show_reported(reported: &Reported) -> String {
    let mut shown = String::new();
    let classes = reported.usage.iter().flat_map(|usage| usage.iter().collect::<Vec<_>>());
    for (class, count) in classes.filter(|(_, count)| *count > 0) {
        write!(shown, " {}={count}", class.name()).expect("a string takes all");
    }
    if shown.is_empty() {
        shown.push_str(if reported.usage.is_some() { " zero" } else { " none" });
    }
    format!("usage:{shown}; absurd={}; total_mismatch={}", reported.absurd, reported.total_mismatch)
}

#[test]
fn requests_are_said_in_every_dialect() {
    for (case, path) in files("chat", ".json") {
        let request = ChatRequest::parse(&Bytes::from(fs::read(path).expect("readable")));
        let request = request.unwrap_or_else(|refused| panic!("{case}: {refused}"));
        for provider in &PROVIDERS {
            let target = Target {
                base_url: provider.base_url,
                upstream_model: "upstream-model",
                credential: "secret",
                event_id: "req_1.1",
                output_cap: (case == "full").then_some(256),
            };
            let shown = match chat_request(provider.dialect, &request, &target) {
                Err(refused) => format!("refused: {refused}"),
                Ok(sent) => {
                    let mut shown = format!("{} {}\n", sent.method, sent.url);
                    for (name, value) in &sent.headers {
                        let value = value.to_str().expect("text");
                        writeln!(shown, "{name}: {value}").expect("a string takes all");
                    }
                    format!("{shown}\n{}", pretty(&sent.body))
                }
            };
            matches_snapshot(provider.folder, &format!("{case}.request"), &shown);
        }
    }
}

#[test]
fn answers_are_read_in_every_dialect() {
    for provider in &PROVIDERS {
        for (case, path) in files(provider.folder, ".response.json") {
            let body = Bytes::from(fs::read(path).expect("readable"));
            let answer = chat_answer(provider.dialect, &body, false);
            let answer = answer.unwrap_or_else(|error| panic!("{case}: {error}"));
            let written = answer.write(&context(), &bill(&answer.reported));
            let shown = format!(
                "{}\nfinish: {:?}; text bytes: {}\n\n{}",
                show_reported(&answer.reported),
                answer.finish_reason,
                answer.text_bytes,
                pretty(&written)
            );
            matches_snapshot(provider.folder, &format!("{case}.response"), &shown);
        }
    }
}

#[test]
fn streams_are_read_in_every_dialect() {
    for provider in &PROVIDERS {
        for (case, path) in files(provider.folder, ".sse") {
            let mut stream = ChatStream::new(provider.dialect, &context());
            let mut chunks = Vec::new();
            let fed = stream.feed(&fs::read(path).expect("readable"), &mut chunks);
            let mut shown = String::new();
            for chunk in &chunks {
                let text = std::str::from_utf8(&chunk.bytes).expect("chunks are UTF-8");
                let json =
                    text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n")).expect("framed");
                assert!(
                    !json.contains('\n') && serde_json::from_str::<Value>(json).is_ok(),
                    "{case}: {json}"
                );
                writeln!(shown, "{}{:>4} {json}", if chunk.is_content { '*' } else { ' ' }, chunk.text_bytes)
                    .expect("a string takes all");
            }
            if let Err(error) = fed {
                writeln!(shown, "error: {error:?} {:?}", error.message.expose()).expect("a string takes all");
            }
            let progress = stream.progress();
            let ending = stream.finish();
            let usage = usage_chunk(&context(), &bill(&ending.reported));
            let shown = format!(
                "{shown}usage chunk: {}progress: {}; {} content chunks, {} bytes\nfinish: {:?}; complete: {}; {}",
                std::str::from_utf8(&usage).expect("UTF-8").trim_end_matches('\n').to_owned() + "\n",
                show_reported(&progress.reported),
                progress.content_chunks,
                progress.text_bytes,
                ending.finish_reason,
                ending.complete,
                show_reported(&ending.reported)
            );
            matches_snapshot(provider.folder, &format!("{case}.chunks"), &shown);
        }
    }
}

#[test]
fn errors_are_read_in_every_dialect() {
    for provider in &PROVIDERS {
        for (case, path) in files(provider.folder, ".error.json") {
            let (_, status) = case.rsplit_once('.').expect("named case.status.error.json");
            let status: StatusCode = status.parse().expect("an HTTP status");
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("7"))]);
            let error =
                provider_error(provider.dialect, status, &headers, &fs::read(path).expect("readable"));
            let shown = format!("{error:?}\n{error}\n{}", error.message.expose());
            matches_snapshot(provider.folder, &format!("{case}.error"), &shown);
        }
    }
}
