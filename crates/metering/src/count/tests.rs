use super::*;

mod recorded;

const MEBIBYTE: usize = 1 << 20;

fn counted(tokens: u64) -> Counted {
    Counted { tokens, source: UsageSource::Counted }
}

/// The texts and counts of the vocabularies' makers: <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>
#[test]
fn texts_have_as_many_tokens_as_their_vocabularys_maker_says() {
    for (text, cl100k, o200k) in [
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
        ("tiktoken is great!", 6, 6),
        ("", 0, 0),
    ] {
        assert_eq!(Counter.count("gpt-4", text), counted(cl100k), "{text}");
        assert_eq!(Counter.count("gpt-4o", text), counted(o200k), "{text}");
    }
}

#[test]
fn a_model_is_counted_with_its_own_vocabulary_however_it_is_named() {
    let birthday = "お誕生日おめでとう";
    for model in
        ["openai/gpt-4o", "gpt-4o-2024-08-06", "GPT-5-mini", "o3", "openai/gpt-oss-120b", "ft:gpt-4o:org::id"]
    {
        assert_eq!(Counter.count(model, birthday), counted(8), "{model}");
    }
    for model in ["openai/gpt-4", "gpt-35-turbo", "openai/text-embedding-3-small", "gpt-4-0613"] {
        assert_eq!(Counter.count(model, birthday), counted(9), "{model}");
    }
}

#[test]
fn a_family_without_a_vocabulary_is_estimated_by_its_factor_and_says_so() {
    let text = "word ".repeat(100);
    let o200k = Counter.count("gpt-4o", &text).tokens;
    assert_eq!(o200k, 101);
    for (model, tokens) in [
        ("anthropic/claude-opus-4.8", 131),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 131),
        ("google/gemini-3-pro", 110),
        ("meta-llama/llama-3.3-70b-instruct", 103),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", 103),
        ("deepseek/deepseek-r1-distill-llama-70b", 103),
        ("mistralai/mixtral-8x22b", 105),
        ("deepseek-chat", 103),
        ("qwen/qwen3-32b", 107),
        ("x-ai/grok-4", 97),
        ("openai/gpt-99", 101),
        ("amazon.nova-pro-v1:0", 115),
        ("", 115),
    ] {
        let expected = Counted { tokens, source: UsageSource::Estimated };
        assert_eq!(Counter.count(model, &text), expected, "{model}");
    }
}

#[test]
fn an_estimate_of_something_is_never_nothing() {
    assert_eq!(Counter.count("x-ai/grok-4", "a").tokens, 1);
    assert_eq!(Counter.count("x-ai/grok-4", "").tokens, 0);
}

#[test]
fn what_looks_like_a_special_token_is_plain_text() {
    assert!(Counter.count("gpt-4o", "<|endoftext|>").tokens > 1);
}

#[test]
fn pieces_are_counted_each_by_itself() {
    let pieces = ["antidisestablishmentarianism".to_owned(), "2 + 2 = 4".to_owned()];
    assert_eq!(Counter.count_pieces("gpt-4o", &pieces, 37), counted(13));
    let family = Counter.count_pieces("mistral-small", &pieces, 37);
    assert_eq!((family.source, family.tokens >= 13), (UsageSource::Estimated, true));
    assert_eq!(Counter.count_pieces("gpt-4o", &[], 0), counted(0));
}

#[test]
fn what_of_a_text_is_not_there_is_taken_to_be_like_the_rest_and_is_no_count() {
    let estimated = |tokens| Counted { tokens, source: UsageSource::Estimated };
    let pieces = ["2 + 2 = 4".to_owned()];
    assert_eq!(Counter.count_pieces("gpt-4o", &pieces, 18), estimated(14));
    assert_eq!(Counter.count_pieces("gpt-4o", &[], 9), estimated(3));
    assert_eq!(Counter.count_pieces("gpt-4o", &pieces, u64::MAX).source, UsageSource::Estimated);
}

#[test]
fn a_model_that_thinks_unseen_is_known_by_its_name() {
    for (model, unseen) in [
        ("openai/o4-mini", true),
        ("gpt-5-mini", true),
        ("openai/gpt-4.1-mini", false),
        ("openai/gpt-oss-20b", false),
        ("openai/gpt-4o", false),
    ] {
        assert_eq!(thinks_unseen(model), unseen, "{model}");
    }
}

/// Whole, a mebibyte of spaces is beyond what the vocabulary's own splitting into words can do.
#[test]
fn a_mebibyte_of_anything_is_counted_in_time_that_grows_with_its_length() {
    for text in ["a", "A", " ", "\n", "!", "7", "aA", " \t", "日", "\u{301}", "'s", "word ", "<|endoftext|>"]
    {
        let count = |bytes: usize| Counter.count("gpt-4o", &text.repeat(bytes / text.len()));
        let (piece, whole) = (count(PIECE_BYTES), count(MEBIBYTE));
        assert_eq!((piece.source, whole.source), (UsageSource::Counted, UsageSource::Counted), "{text:?}");
        let pieces = u64::try_from(MEBIBYTE / PIECE_BYTES).unwrap();
        let (least, most) = ((piece.tokens - 2) * pieces, (piece.tokens + 2) * pieces);
        assert!((least..=most).contains(&whole.tokens), "{text:?}: {whole:?}, a piece {piece:?}");
    }
}

#[test]
fn pieces_are_short_begin_with_white_space_and_lose_nothing() {
    for text in ["", "short", &"two words ".repeat(10_000), &"日本".repeat(10_000), &"x".repeat(100_000)] {
        let pieces: Vec<&str> = pieces(text).collect();
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE_BYTES));
        let begin_well = pieces.iter().skip(1).all(|piece| piece.starts_with(' '));
        assert_eq!(begin_well, pieces.len() < 2 || text.contains(' '));
    }
}

#[test]
fn cuts_between_words_change_no_count() {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(2_000);
    let whole = Vocabulary::O200k.bpe().count(&text, &HashSet::new()).expect("a usual text");
    assert_eq!(Counter.count("gpt-4o", &text), counted(u64::try_from(whole).unwrap()));
}
