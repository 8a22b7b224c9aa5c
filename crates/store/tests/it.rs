//! The store against real databases: every test on SQLite, and on Postgres when `TEST_POSTGRES_URL` names a server on
//! which databases and roles can be made (`tests/postgres.sh` starts one; `make test` does).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "it/budgets.rs"]
mod budgets;
#[path = "it/connect.rs"]
mod connect;
#[path = "it/generations.rs"]
mod generations;
#[path = "it/hours.rs"]
mod hours;
#[path = "it/ledger.rs"]
mod ledger;
#[path = "it/nodes.rs"]
mod nodes;
#[path = "it/notices.rs"]
mod notices;
#[path = "it/platform.rs"]
mod platform;
#[path = "it/policy.rs"]
mod policy;
#[path = "it/rights.rs"]
mod rights;
#[path = "it/schedule.rs"]
mod schedule;
#[path = "it/sessions.rs"]
mod sessions;
#[path = "it/tenancy.rs"]
mod tenancy;
#[path = "it/terms.rs"]
mod terms;
#[path = "it/windows.rs"]
mod windows;
#[path = "it/world.rs"]
mod world;

/// One test per body and engine.
macro_rules! suite {
    ($($module:ident { $($name:ident),+ $(,)? })+) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    crate::$module::$name(crate::world::World::on_sqlite().await).await;
                })+
            })+
        }

        mod postgres {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(world) = crate::world::World::on_postgres().await {
                        crate::$module::$name(world).await;
                    }
                })+
            })+
        }
    };
}

/// What only Postgres has.
macro_rules! postgres_only {
    ($($module:ident { $($name:ident),+ $(,)? })+) => {
        mod postgres_only {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(world) = crate::world::World::on_postgres().await {
                        crate::$module::$name(world).await;
                    }
                })+
            })+
        }
    };
}

postgres_only! {
    connect {
        what_waiting_mends_is_told_from_what_it_does_not,
        a_database_that_is_newer_or_older_than_this_release_is_refused,
        a_cut_connection_before_a_commit_means_nothing_was_done,
    }
    rights {
        without_a_name_no_row_of_any_org_is_seen,
        another_orgs_rows_are_not_seen_where_the_query_forgets_to_ask,
        every_table_of_orgs_is_behind_row_level_security,
        an_owner_without_another_role_is_held_to_it_too,
        the_control_planes_role_cannot_rewrite_history_or_the_schema,
        every_partition_is_as_protected_as_its_table,
        partitions_are_made_while_usage_is_committed,
    }
}

suite! {
    tenancy {
        an_id_of_another_org_is_not_found,
        lists_of_an_org_hold_nothing_of_another,
        writes_of_another_orgs_objects_are_refused,
        a_reference_into_another_org_is_refused,
    }
    policy {
        every_write_commits_with_a_revision_a_change_and_an_audit_row,
        a_change_that_is_not_committed_leaves_nothing,
        a_refused_write_leaves_nothing_of_the_change,
        objects_read_back_as_they_were_written,
        the_changes_lead_from_one_snapshot_to_the_next,
        a_change_from_a_revision_that_is_not_known_is_none,
        concurrent_changes_of_an_org_get_a_revision_each,
        what_was_published_is_not_dirty,
        the_last_owner_stays,
        a_policy_that_cannot_be_read_is_an_error_that_names_it,
        a_list_goes_on_where_the_page_before_ended,
    }
    platform {
        the_platforms_objects_read_back_as_they_were_written,
        a_price_version_is_never_changed,
        a_new_price_version_begins_after_all_there_are_and_is_audited_with_its_source,
        a_database_keeps_its_epoch_when_it_is_opened_again,
        a_restored_database_gets_a_later_epoch_each_time,
    }
    sessions {
        a_refresh_token_is_used_once,
        a_token_used_twice_ends_its_family,
        an_expired_or_closed_session_is_over,
        an_address_belongs_to_one_person,
    }
    budgets {
        leases_conform,
        many_nodes_at_once_are_never_granted_more_than_the_limit,
        grants_returns_and_settlements_at_once_lose_nothing,
        a_lowered_limit_is_accepted_and_nothing_is_granted_until_it_covers_what_was,
        no_more_comes_back_than_a_lease_holds,
        a_new_life_frees_what_the_old_one_held,
        a_budget_made_in_mid_window_starts_at_what_was_spent,
        an_event_that_did_not_know_of_a_budget_still_counts,
        a_charge_beyond_the_lease_is_overrun,
        suspense_counts_as_spent,
    }
    generations {
        every_attempt_of_a_request_is_found_in_order,
        a_request_of_another_org_is_not_there,
        a_request_whose_next_attempt_may_be_under_way_is_not_there_yet,
        a_request_that_only_failed_is_there_once_its_node_is_past_it,
        a_request_with_a_gap_is_there_only_when_nothing_can_fill_it,
    }
    windows {
        a_budget_of_every_calendar_reads_back_as_it_was_written,
        a_window_begins_with_what_was_spent_since_it_began_in_its_zone,
        a_new_day_has_its_whole_limit,
        another_zone_counts_from_where_its_window_began,
        another_period_counts_what_was_spent_and_what_settles_later,
        what_a_lost_life_held_stays_in_suspense_when_the_zone_changes,
        the_ledger_books_suspense_of_any_window_in_its_own_month,
    }
    terms {
        a_soft_budget_counts_everything_and_grants_nothing,
        a_soft_budget_made_hard_begins_with_what_was_spent,
        a_narrowed_budget_counts_what_matches_before_and_after_it_is_made,
        suspense_of_a_narrowed_budget_is_released_where_it_was_counted,
        a_raise_counts_until_it_ends_and_what_was_granted_under_it_stays,
        a_raise_can_be_ended_before_its_time_once,
        a_raise_is_in_the_audit_log_and_its_organizations_own,
        each_threshold_is_noted_once_as_usage_reaches_it,
        a_limit_lowered_below_a_threshold_is_noted_and_a_raise_moves_it,
    }
    notices {
        a_threshold_is_written_with_a_delivery_to_each_target_there_is,
        targets_of_one_organization_take_no_place_of_anothers,
        a_delivery_is_held_by_one_and_is_free_again_when_its_time_is_over,
        what_arrived_is_delivered_no_more_and_what_did_not_is_tried_at_its_time,
        what_is_given_up_is_counted_and_tried_no_more,
        a_test_that_arrives_brings_forward_what_waits,
        a_deleted_target_gets_nothing_and_keeps_no_secret,
        targets_are_counted_audited_and_their_organizations_own,
    }
    nodes {
        money_that_another_node_holds_is_called_back_from_it,
        an_older_disk_is_known_though_its_journal_has_grown_since,
        a_machine_started_anew_leaves_what_it_held_in_suspense,
        an_older_disk_leaves_what_was_held_in_suspense,
        a_journal_that_is_whole_frees_what_was_held,
        an_earlier_life_is_refused,
        a_life_that_an_older_disk_begins_again_is_refused,
        suspense_is_released_once_when_its_time_has_passed,
        the_suspense_of_a_cut_call_is_released_and_its_event_stays,
        usage_that_comes_after_its_lease_was_suspended_is_spent_and_no_overrun,
        a_retired_node_is_refused_and_what_it_held_counts_as_spent,
        acknowledgements_keep_the_newest_revision_and_its_first_moment,
        a_node_that_was_not_seen_for_three_turns_is_out_of_contact,
        another_master_key_is_noticed,
        usage_is_complete_to_what_the_furthest_behind_of_all_nodes_said,
    }
    schedule {
        in_any_order_a_limit_covers_what_is_spent_suspended_and_granted,
    }
    hours {
        the_hourly_sums_follow_every_batch_and_can_be_made_anew,
        a_keys_spend_is_exact_from_any_moment_of_an_hour,
    }
    ledger {
        an_event_reads_back_and_is_found,
        a_name_with_a_character_that_cannot_be_stored_keeps_nothing_back,
        a_duplicate_changes_nothing,
        batches_committed_at_once_make_one_chain,
        the_ledger_balances_and_equals_the_events,
        rows_of_the_ledger_and_the_audit_log_cannot_be_changed,
        a_changed_event_breaks_the_chain,
        a_changed_entry_breaks_the_chain,
        an_added_event_breaks_the_chain,
        a_shortened_ledger_is_seen,
        a_changed_audit_row_breaks_its_chain,
        a_shortened_audit_log_is_seen,
        sums_of_great_amounts_are_exact,
        chargeback_rows_add_up_to_the_totals,
        an_event_of_a_month_nobody_prepared_has_a_place_and_is_there_once,
        cut_calls_are_those_that_did_not_end,
        events_of_an_unknown_org_are_refused,
        a_keys_spend_is_that_of_its_events_since_then,
    }
}
