use super::{BudgetFilter, Traits};

fn tag(value: &str) -> (String, String) {
    ("project".to_owned(), value.to_owned())
}

fn matches(filter: &BudgetFilter) -> bool {
    let tags = [tag("atlas"), ("step".to_owned(), "2".to_owned())];
    filter.matches(Traits {
        model: "openai/gpt-5-mini",
        provider: "openai",
        data_class: Some("internal"),
        tags: &tags,
    })
}

#[test]
fn a_request_counts_when_every_part_that_is_given_matches() {
    let slugs = |slug: &str| vec!["other/one".to_owned(), slug.to_owned()];
    let all = BudgetFilter {
        models: slugs("openai/gpt-5-mini"),
        providers: slugs("openai"),
        data_classes: slugs("internal"),
        tag: Some(tag("atlas")),
    };
    assert!(matches(&BudgetFilter::default()));
    assert!(matches(&all));
    assert!(!matches(&BudgetFilter { models: slugs("openai/gpt-5"), ..all.clone() }));
    assert!(!matches(&BudgetFilter { providers: slugs("azure"), ..all.clone() }));
    assert!(!matches(&BudgetFilter { data_classes: slugs("public"), ..all.clone() }));
    assert!(!matches(&BudgetFilter { tag: Some(tag("atlas 2")), ..all }));
}

#[test]
fn a_request_without_a_data_class_is_in_none() {
    let filter = BudgetFilter { data_classes: vec!["internal".to_owned()], ..BudgetFilter::default() };
    let bare = Traits { model: "m", provider: "p", data_class: None, tags: &[] };
    assert!(!filter.matches(bare));
    assert!(BudgetFilter::default().matches(bare));
}
