use super::Tokens;

const PLAN: Tokens =
    Tokens { input: 10, cached_input: 4, cache_write_5m: 0, cache_write_1h: 0, output: 10, reasoning: 6 };

#[test]
fn before_the_first_chunk_only_the_prompt_is_billed() {
    let billed = PLAN.after(0, 4);
    assert_eq!((billed.prompt(), billed.generated()), (14, 0));
}

#[test]
fn reasoning_is_billed_with_the_first_chunk_and_output_in_proportion() {
    assert_eq!(PLAN.after(1, 4), Tokens { output: 2, ..PLAN });
    assert_eq!(PLAN.after(3, 4), Tokens { output: 7, ..PLAN });
    assert_eq!(PLAN.after(4, 4), PLAN);
}
