use domain::limit::{Budget, BudgetFilter, Enforcement, Thresholds};
use domain::{Amount, BudgetId, BudgetScope, OrgId, Window};

use crate::WireError;
use crate::pb::policy::v1 as pb;

fn budget() -> Budget {
    Budget {
        id: BudgetId::from_bits(8),
        org: OrgId::from_bits(7),
        name: "november".into(),
        scope: BudgetScope::Org,
        limit: Amount::from_pico(1),
        window: Window::MONTH,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    }
}

#[test]
fn what_a_budget_counts_and_does_at_its_limit_survives_the_wire() {
    let filter = BudgetFilter {
        models: vec!["openai/gpt-5-mini".into()],
        providers: vec!["openai".into(), "azure".into()],
        data_classes: vec!["internal".into()],
        tag: Some(("project".into(), String::new())),
    };
    let thresholds = Thresholds::new(&[50, 1_000]).unwrap();
    let soft = Budget { enforcement: Enforcement::Soft, filter, thresholds, ..budget() };
    assert_eq!(Budget::try_from(pb::Budget::from(&soft)), Ok(soft));
}

#[test]
fn a_budget_of_before_zones_and_terms_is_in_utc_and_hard_and_counts_everything() {
    let before = pb::Budget {
        time_zone: String::new(),
        fiscal_start_month: 0,
        enforcement: 0,
        filter: None,
        thresholds: Vec::new(),
        ..pb::Budget::from(&budget())
    };
    let thresholds = Thresholds::new(&[]).unwrap();
    assert_eq!(Budget::try_from(before), Ok(Budget { thresholds, ..budget() }));
}

#[test]
fn an_unknown_calendar_enforcement_or_threshold_is_refused_by_its_field() {
    let message = pb::Budget::from(&budget());
    let refused = |message: pb::Budget, field| {
        assert_eq!(Budget::try_from(message), Err(WireError::Invalid(field)));
    };
    refused(pb::Budget { time_zone: "Europe/Atlantis".into(), ..message.clone() }, "budget.time_zone");
    refused(pb::Budget { fiscal_start_month: 13, ..message.clone() }, "budget.fiscal_start_month");
    refused(pb::Budget { thresholds: vec![0], ..message.clone() }, "budget.thresholds");
    assert!(Budget::try_from(pb::Budget { enforcement: 9, ..message }).is_err());
}
