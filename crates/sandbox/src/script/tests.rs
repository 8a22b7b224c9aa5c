use serde_json::json;

use super::{Answer, Finish, answer, pieces};
use crate::ask::{Ask, Forced, Tool};
use crate::knobs::Knobs;
use crate::prices::{Model, Prices};
use crate::tokens::Tokens;

fn model() -> Model {
    let prices = Prices { input: 1, cached_input: Some(1), output: Some(1), ..Prices::default() };
    Model { name: "m".into(), served_as: "m-1".into(), reasons: false, prices }
}

fn ask(prompt: &str) -> Ask {
    Ask { model: "m".into(), choices: 1, prompt: prompt.into(), prompt_chars: prompt.len(), ..Ask::default() }
}

fn scripted(ask: &Ask, knobs: &[(&str, &str)]) -> Answer {
    let mut turned = Knobs::default();
    for (key, value) in knobs {
        turned.set(key, value).unwrap();
    }
    answer(ask, &turned, &model(), 1000)
}

#[test]
fn the_default_answer_repeats_the_prompt_and_counts_words() {
    let answer = scripted(&ask("hello big world"), &[]);
    assert_eq!(answer.text, "You said: hello big world");
    assert_eq!(answer.tokens, Tokens { input: 7 + 5, output: 10, ..Tokens::default() });
    assert_eq!(answer.finish, Finish::Stop);
}

#[test]
fn max_tokens_cuts_the_text_and_the_bill() {
    let mut ask = ask("hello big world");
    ask.max_tokens = Some(5);
    let answer = scripted(&ask, &[]);
    assert_eq!(answer.text, "You said: hello");
    assert_eq!(answer.tokens.output, 5);
    assert_eq!(answer.finish, Finish::Length);
}

#[test]
fn scripted_counts_stay_under_the_caps_unless_uncapped() {
    let mut ask = ask("x");
    ask.max_tokens = Some(50);
    let counts = [("prompt_tokens", "5000"), ("completion_tokens", "6000"), ("cached_tokens", "700")];
    let capped = scripted(&ask, &counts).tokens;
    assert_eq!(capped, Tokens { input: 300, cached_input: 700, output: 50, ..Tokens::default() });
    let uncapped = scripted(&ask, &[counts[0], counts[1], counts[2], ("uncapped", "true")]).tokens;
    assert_eq!(uncapped, Tokens { input: 4300, cached_input: 700, output: 6000, ..Tokens::default() });
}

#[test]
fn a_class_without_a_price_stays_input() {
    let tokens = scripted(&ask("x"), &[("prompt_tokens", "100"), ("cache_write_5m", "40")]).tokens;
    assert_eq!(tokens.input, 100);
}

#[test]
fn reasoning_comes_out_of_the_answers_total_first() {
    let answer = scripted(&ask("x"), &[("completion_tokens", "30"), ("reasoning_tokens", "20")]);
    assert_eq!((answer.tokens.output, answer.tokens.reasoning), (10, 20));
    let mut capped = ask("x");
    capped.max_tokens = Some(15);
    let answer = scripted(&capped, &[("completion_tokens", "30"), ("reasoning_tokens", "20")]);
    assert_eq!((answer.tokens.output, answer.tokens.reasoning), (0, 15));
    assert_eq!(answer.text, "");
}

#[test]
fn every_choice_is_billed() {
    let mut ask = ask("x");
    ask.choices = 3;
    assert_eq!(scripted(&ask, &[("completion_tokens", "11")]).tokens.output, 33);
}

#[test]
fn a_forced_tool_is_called_until_its_result_is_there() {
    let mut ask = ask("weather?");
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    ask.tools = vec![Tool { name: "weather".into(), schema }];
    assert_eq!(scripted(&ask, &[]).tool, None);
    ask.forced = Forced::Any;
    let answer = scripted(&ask, &[]);
    assert_eq!(answer.tool.unwrap().arguments, r#"{"city":"a city"}"#);
    assert_eq!((answer.text.as_str(), answer.finish), ("", Finish::Tool));
    ask.tool_result = Some("sunny".into());
    let answer = scripted(&ask, &[]);
    assert_eq!((answer.tool, answer.text.as_str()), (None, "The tool said: sunny"));
}

#[test]
fn a_scripted_tool_needs_no_declaration() {
    let tool = scripted(&ask("x"), &[("tool", "f"), ("tool_args", r#"{"a":1}"#)]).tool.unwrap();
    assert_eq!((tool.name.as_str(), tool.arguments.as_str()), ("f", r#"{"a":1}"#));
}

#[test]
fn pieces_are_the_text_again() {
    let text = "  Grüße an alle,  liebe Welt\n";
    for chunks in [None, Some(1), Some(3), Some(7), Some(500)] {
        assert_eq!(pieces(text, chunks).concat(), text, "{chunks:?}");
    }
    assert_eq!(pieces(text, None).len(), 6);
    assert_eq!(pieces(text, Some(3)).len(), 3);
    assert_eq!(pieces(text, Some(500)).len(), text.chars().count());
    assert!(pieces("", Some(4)).is_empty());
}

#[test]
fn the_default_answer_grows_to_the_chunks_asked_for() {
    assert_eq!(scripted(&ask("hi"), &[("chunks", "40")]).text_pieces().len(), 40);
}
