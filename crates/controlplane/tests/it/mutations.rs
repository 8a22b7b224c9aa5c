//! What mutations check and what they leave behind.

use serde_json::{Value, json};

use crate::world::{World, code};

async fn refused(world: &World, bearer: &str, field: &str, mut input: Value) -> (String, String) {
    input["organizationId"] = json!(world.org.to_string());
    let (first, rest) = field.split_at(1);
    let query = format!(
        "mutation($i: {}{rest}Input!) {{ {field}(input: $i) {{ __typename }} }}",
        first.to_uppercase()
    );
    let answer = world.graphql(bearer, &query, json!({ "i": input })).await;
    let named = answer["errors"][0]["extensions"]["field"].as_str().unwrap_or_default().to_owned();
    (code(&answer).to_owned(), named)
}

#[tokio::test]
async fn a_wrong_field_is_refused_by_name() {
    let world = World::new().await;
    let member = json!({ "email": "x@example.com", "name": "X", "role": "MEMBER" });
    let with = |base: &Value, field: &str, value: Value| {
        let mut changed = base.clone();
        changed[field] = value;
        changed
    };
    let policy = |rules: Value| json!({ "name": "P", "layer": "ORG", "rules": rules });
    let budget = json!({ "name": "B", "scope": "ORG", "limit": "1" });
    let no_team = "team_00000000000000000000000000000000";
    let target =
        |kind: &str, destination: &str| json!({ "name": "T", "kind": kind, "destination": destination });
    for (mutation, input, field) in [
        ("createTeam", json!({ "name": " " }), "name"),
        ("createTeam", json!({ "name": "x".repeat(101) }), "name"),
        ("createMember", with(&member, "email", json!("nobody")), "email"),
        ("createMember", with(&member, "password", json!("short")), "password"),
        ("createMember", with(&member, "role", json!("TEAM_ADMIN")), "teamId"),
        ("createKey", json!({ "name": "K", "kind": "MANAGEMENT" }), "memberId"),
        ("createKey", json!({ "name": "K", "expiresAt": "2026-11-21T11:59:59Z" }), "expiresAt"),
        ("createKey", json!({ "name": "K", "teamId": "nonsense" }), "teamId"),
        ("createKey", json!({ "name": "K", "requestsPerMinute": 0 }), "requestsPerMinute"),
        ("createBudget", with(&budget, "limit", json!("0")), "limit"),
        ("createBudget", with(&budget, "limit", json!("-1")), "limit"),
        ("createBudget", with(&budget, "timeZone", json!("Europe/Atlantis")), "timeZone"),
        ("createBudget", with(&budget, "fiscalStartMonth", json!(13)), "fiscalStartMonth"),
        ("createBudget", with(&budget, "thresholds", json!([0])), "thresholds"),
        ("createBudget", with(&budget, "filter", json!({ "models": ["none/such"] })), "filter.models"),
        ("createBudget", with(&budget, "filter", json!({ "providers": ["nowhere"] })), "filter.providers"),
        ("createBudget", with(&budget, "scope", json!("TEAM")), "scopeId"),
        ("createBudget", with(&budget, "scopeId", json!(no_team)), "scopeId"),
        ("createPolicy", policy(json!({ "allowedModels": ["gpt-4o"] })), "rules.allowedModels"),
        ("createPolicy", policy(json!({ "ignoredModels": ["a/b/c d"] })), "rules.ignoredModels"),
        ("createPolicy", policy(json!({ "ignoredProviders": ["nowhere"] })), "rules.ignoredProviders"),
        ("createPolicy", policy(json!({ "outputCap": 0 })), "rules.outputCap"),
        ("createPolicy", policy(json!({ "defaultModel": "openai/*" })), "rules.defaultModel"),
        ("createPolicy", json!({ "name": "P", "layer": "PLATFORM", "rules": {} }), "layer"),
        ("storeCredential", json!({ "provider": "nowhere", "label": "L", "secret": "s" }), "provider"),
        ("createNoticeTarget", with(&target("WEBHOOK", "https://example.com/"), "name", json!("")), "name"),
        ("createNoticeTarget", target("WEBHOOK", "http://example.com/"), "destination"),
        ("createNoticeTarget", target("WEBHOOK", "https://10.0.0.1/"), "destination"),
        ("createNoticeTarget", target("WEBHOOK", "ada@example.com"), "destination"),
        ("createNoticeTarget", target("EMAIL", "ada@example.com"), "destination"),
    ] {
        let found = refused(&world, &world.owner, mutation, input.clone()).await;
        assert_eq!(found, ("BAD_USER_INPUT".to_owned(), field.to_owned()), "{mutation} {input}");
    }
    for (mutation, input) in [
        ("createKey", json!({ "name": "K", "teamId": no_team })),
        ("createBudget", json!({ "name": "B", "scope": "TEAM", "scopeId": no_team, "limit": "1" })),
        ("updateTeam", json!({ "id": no_team, "name": "X" })),
    ] {
        assert_eq!(
            refused(&world, &world.owner, mutation, input.clone()).await.0,
            "NOT_FOUND",
            "{mutation} {input}"
        );
    }
}

#[tokio::test]
async fn a_number_is_no_money() {
    let world = World::new().await;
    let input = json!({ "name": "B", "scope": "ORG", "limit": 0.1 });
    assert_eq!(refused(&world, &world.owner, "createBudget", input).await.0, "BAD_USER_INPUT");
}

#[tokio::test]
async fn money_is_kept_digit_for_digit() {
    let world = World::new().await;
    let query = "mutation($i: CreateBudgetInput!) { createBudget(input: $i) { budget { limit state { available } } } }";
    let limit = "1234567.000000000001";
    let input =
        json!({ "organizationId": world.org.to_string(), "name": "B", "scope": "ORG", "limit": limit });
    let made = world.ask(query, json!({ "i": input })).await["createBudget"]["budget"].clone();
    assert_eq!(made, json!({ "limit": limit, "state": { "available": limit } }));
}

#[tokio::test]
async fn a_budget_has_a_calendar_of_its_own_and_can_be_given_another() {
    const BUDGET: &str =
        "budget { id window timeZone fiscalStartMonth state { windowId startedAt resetsAt } }";
    let world = World::new().await;
    let make = format!("mutation($i: CreateBudgetInput!) {{ createBudget(input: $i) {{ {BUDGET} }} }}");
    let mut input =
        json!({ "organizationId": world.org.to_string(), "name": "B", "scope": "ORG", "limit": "1" });
    let plain = world.ask(&make, json!({ "i": input })).await["createBudget"]["budget"].clone();
    assert_eq!((&plain["window"], &plain["timeZone"]), (&json!("MONTH"), &json!("UTC")));
    input["window"] = json!("YEAR");
    input["timeZone"] = json!("Asia/Kolkata");
    input["fiscalStartMonth"] = json!(4);
    let made = world.ask(&make, json!({ "i": input })).await["createBudget"]["budget"].clone();
    let (start, end) =
        (made["state"]["startedAt"].as_str().unwrap(), made["state"]["resetsAt"].as_str().unwrap());
    assert!(start.ends_with("-03-31T18:30:00Z") && end.ends_with("-03-31T18:30:00Z"), "{start} {end}");
    assert_eq!(made["state"]["windowId"], format!("FY{}", &end[..4]));

    let update = format!("mutation($i: UpdateBudgetInput!) {{ updateBudget(input: $i) {{ {BUDGET} }} }}");
    let change = json!({ "organizationId": world.org.to_string(), "id": made["id"], "window": "LIFETIME" });
    let changed = world.ask(&update, json!({ "i": change })).await["updateBudget"]["budget"].clone();
    assert_eq!((&changed["window"], &changed["timeZone"]), (&json!("LIFETIME"), &json!("Asia/Kolkata")));
    assert_eq!(changed["state"]["windowId"], "lifetime");
    assert_eq!(changed["state"]["resetsAt"], json!(null));
    let unknown = json!({ "id": made["id"], "timeZone": "Mars" });
    assert_eq!(refused(&world, &world.owner, "updateBudget", unknown).await.1, "timeZone");
}

#[tokio::test]
async fn a_team_admin_reaches_the_own_teams_keys_only() {
    let world = World::new().await;
    let (own, other) = (world.team("Own").await, world.team("Other").await);
    let (_, admin) = world.member("TEAM_ADMIN", Some(&own)).await;
    let org = world.org.to_string();
    let make = "mutation($i: CreateKeyInput!) { createKey(input: $i) { key { id } } }";
    let input = |team: Value| json!({ "i": { "organizationId": org, "name": "K", "teamId": team } });
    let foreign = world.ask(make, input(json!(other))).await["createKey"]["key"]["id"].clone();
    let mine = world.graphql(&admin, make, input(json!(own))).await["data"]["createKey"]["key"]["id"].clone();
    for team in [json!(other), json!(null)] {
        assert_eq!(code(&world.graphql(&admin, make, input(team)).await), "FORBIDDEN");
    }
    let list = "query($o: ID!) { organization(id: $o) { keys { nodes { id } } } }";
    let seen = world.graphql(&admin, list, json!({ "o": org })).await;
    assert_eq!(seen["data"]["organization"]["keys"]["nodes"], json!([{ "id": mine }]));
    assert_eq!(refused(&world, &admin, "revokeKey", json!({ "id": foreign })).await.0, "NOT_FOUND");
    assert_eq!(refused(&world, &admin, "rotateKey", json!({ "id": foreign })).await.0, "NOT_FOUND");
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(world.graphql(&admin, node, json!({ "id": foreign })).await["data"]["node"], json!(null));
    assert_eq!(refused(&world, &admin, "revokeKey", json!({ "id": mine })).await.0, "");
}

#[tokio::test]
async fn only_an_owner_appoints_owners_and_the_last_one_stays() {
    let world = World::new().await;
    let (admin_id, admin) = world.member("ADMIN", None).await;
    let owner = json!({ "email": "o@example.com", "name": "O", "role": "OWNER" });
    assert_eq!(refused(&world, &admin, "createMember", owner).await.0, "FORBIDDEN");
    let promoted = json!({ "id": admin_id, "role": "OWNER" });
    assert_eq!(refused(&world, &admin, "updateMember", promoted.clone()).await.0, "FORBIDDEN");
    let list = "query($o: ID!) { organization(id: $o) { members { nodes { id role } } } }";
    let members = world.ask(list, json!({ "o": world.org.to_string() })).await;
    let nodes = members["organization"]["members"]["nodes"].as_array().unwrap().clone();
    let first = nodes.iter().find(|node| node["role"] == "OWNER").unwrap()["id"].clone();
    let step_down = json!({ "id": first, "role": "ADMIN" });
    assert_eq!(refused(&world, &world.owner, "updateMember", step_down.clone()).await.0, "CONFLICT");
    assert_eq!(refused(&world, &world.owner, "removeMember", json!({ "id": first })).await.0, "CONFLICT");
    assert_eq!(refused(&world, &world.owner, "updateMember", promoted).await.0, "");
    assert_eq!(refused(&world, &world.owner, "updateMember", step_down).await.0, "");
}

#[tokio::test]
async fn the_text_of_an_owners_management_key_is_for_owners_only() {
    let world = World::new().await;
    let (_, admin) = world.member("ADMIN", None).await;
    let list = "query($o: ID!) { organization(id: $o) { members { nodes { id role } } } }";
    let members = world.ask(list, json!({ "o": world.org.to_string() })).await;
    let nodes = members["organization"]["members"]["nodes"].as_array().unwrap().clone();
    let owner = nodes.iter().find(|node| node["role"] == "OWNER").unwrap()["id"].clone();
    let input = json!({ "name": "K", "kind": "MANAGEMENT", "memberId": owner });
    assert_eq!(refused(&world, &admin, "createKey", input).await.0, "FORBIDDEN");

    // Rotating hands out a text too.
    let list = "query($o: ID!) { organization(id: $o) { keys { nodes { id kind memberId } } } }";
    let keys = world.ask(list, json!({ "o": world.org.to_string() })).await;
    let nodes = keys["organization"]["keys"]["nodes"].as_array().unwrap().clone();
    let owners = nodes.iter().find(|node| node["kind"] == "MANAGEMENT" && node["memberId"] == owner).unwrap();
    assert_eq!(refused(&world, &admin, "rotateKey", json!({ "id": owners["id"] })).await.0, "FORBIDDEN");
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_and_holds_no_secret() {
    let world = World::new().await;
    let make = "mutation($i: CreateKeyInput!) { createKey(input: $i) { secret key { id } revision } }";
    let input = json!({ "i": { "organizationId": world.org.to_string(), "name": "K" } });
    let made = world.ask(make, input).await["createKey"].clone();
    let log = "query($o: ID!) { organization(id: $o) { auditLog(first: 100) {
        nodes { sequence actorKind actorId action object detail } } } }";
    let entries = world.ask(log, json!({ "o": world.org.to_string() })).await;
    let nodes = entries["organization"]["auditLog"]["nodes"].as_array().unwrap().clone();
    let entry = nodes.iter().find(|node| node["object"] == made["key"]["id"]).expect("the key's entry");
    assert_eq!(entry["actorKind"], "key");
    let secret = made["secret"].as_str().unwrap();
    assert!(!entries.to_string().contains(secret));
}

#[tokio::test]
async fn a_rotated_key_keeps_its_id_and_limit_and_has_a_bounded_grace() {
    let world = World::new().await;
    let make = "mutation($i: CreateKeyInput!) { createKey(input: $i) { secret key { id } } }";
    let org = world.org.to_string();
    let input = json!({ "i": { "organizationId": org, "name": "K", "requestsPerMinute": 60 } });
    let made = world.ask(make, input).await["createKey"].clone();
    let id = made["key"]["id"].clone();
    for grace in [-1, 2_592_001] {
        let found =
            refused(&world, &world.owner, "rotateKey", json!({ "id": id, "graceSeconds": grace })).await;
        assert_eq!(found, ("BAD_USER_INPUT".to_owned(), "graceSeconds".to_owned()));
    }
    let rotate = "mutation($i: RotateKeyInput!) { rotateKey(input: $i) { secret key {
        id previousAcceptedUntil requestsPerMinute } } }";
    let input = json!({ "i": { "organizationId": world.org.to_string(), "id": id, "graceSeconds": 60 } });
    let rotated = world.ask(rotate, input).await["rotateKey"].clone();
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(
        rotated["key"],
        json!({ "id": id, "previousAcceptedUntil": "2026-11-21T12:01:00Z", "requestsPerMinute": 60 })
    );
    assert_eq!(refused(&world, &world.owner, "revokeKey", json!({ "id": id })).await.0, "");
    assert_eq!(refused(&world, &world.owner, "rotateKey", json!({ "id": id })).await.0, "CONFLICT");
}

#[tokio::test]
async fn a_new_member_logs_in_with_the_first_password() {
    let world = World::new().await;
    let make =
        "mutation($i: CreateMemberInput!) { createMember(input: $i) { initialPassword member { id } } }";
    let org = world.org.to_string();
    let input =
        json!({ "organizationId": org, "email": "Grace@Example.com", "name": "Grace", "role": "FINANCE" });
    let made = world.ask(make, json!({ "i": input })).await["createMember"].clone();
    let body = json!({ "email": "grace@example.com", "password": made["initialPassword"] }).to_string();
    let login = http::Request::post("/auth/login").header("content-type", "application/json");
    let answer = world.send(login.body(axum::body::Body::from(body)).unwrap()).await;
    assert_eq!(answer.status, http::StatusCode::OK, "{}", answer.text);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let read = "query($o: ID!) { organization(id: $o) { viewerRole } }";
    let seen = world.graphql(&token, read, json!({ "o": org })).await;
    assert_eq!(seen["data"]["organization"]["viewerRole"], "FINANCE");

    let remove = json!({ "id": made["member"]["id"] });
    assert_eq!(refused(&world, &world.owner, "removeMember", remove).await.0, "");
    assert_eq!(
        code(&world.graphql(&token, read, json!({ "o": org })).await),
        "NOT_FOUND",
        "at once, token or not"
    );
}

#[tokio::test]
async fn a_webhooks_secret_is_shown_once_and_kept_sealed() {
    let world = World::new().await;
    let make = "mutation($i: CreateNoticeTargetInput!) { createNoticeTarget(input: $i) { secret noticeTarget { id } } }";
    let org = world.org.to_string();
    let input = json!({ "organizationId": org, "name": "T", "kind": "WEBHOOK", "destination": " https://example.com/ " });
    let made = world.ask(make, json!({ "i": input })).await["createNoticeTarget"].clone();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let id = made["noticeTarget"]["id"].as_str().unwrap().parse().unwrap();
    let (target, sealed) = world.deps.store.scope(world.org).notice_target(id).await.unwrap();
    assert_eq!(target.channel.destination(), "https://example.com/");
    let sealed = String::from_utf8_lossy(&sealed.unwrap().0).into_owned();
    assert!(!sealed.contains(&secret[6..]), "{sealed}");
}

#[tokio::test]
async fn a_foreign_target_of_notices_does_not_exist() {
    let world = World::new().await;
    let theirs = world.neighbour("Other").await;
    let make =
        "mutation($i: CreateNoticeTargetInput!) { createNoticeTarget(input: $i) { noticeTarget { id } } }";
    let org = theirs.org.to_string();
    let input = json!({ "organizationId": org, "name": "T", "kind": "WEBHOOK", "destination": "https://example.com/" });
    let made = theirs.ask(make, json!({ "i": input })).await["createNoticeTarget"]["noticeTarget"].clone();
    for mutation in ["testNoticeTarget", "deleteNoticeTarget"] {
        assert_eq!(refused(&world, &world.owner, mutation, made.clone()).await.0, "NOT_FOUND", "{mutation}");
    }
    assert_eq!(refused(&theirs, &theirs.owner, "deleteNoticeTarget", made).await.0, "");
}

#[tokio::test]
async fn a_test_says_why_nothing_arrived_and_is_no_way_to_flood_somebody() {
    let world = World::new().await;
    let make =
        "mutation($i: CreateNoticeTargetInput!) { createNoticeTarget(input: $i) { noticeTarget { id } } }";
    let org = world.org.to_string();
    let input = json!({ "organizationId": org, "name": "T", "kind": "WEBHOOK", "destination": "https://localhost:1/" });
    let made = world.ask(make, json!({ "i": input })).await["createNoticeTarget"]["noticeTarget"].clone();
    let test = "mutation($i: TestNoticeTargetInput!) { testNoticeTarget(input: $i) { ok message } }";
    let input = json!({ "i": { "organizationId": org, "id": made["id"] } });
    for _ in 0..5 {
        let tested = world.ask(test, input.clone()).await["testNoticeTarget"].clone();
        assert_eq!(tested, json!({ "ok": false, "message": "localhost has no public address" }));
    }
    assert_eq!(code(&world.graphql(&world.owner, test, input.clone()).await), "RATE_LIMITED");
    world.clock.set(domain::Clock::now(&*world.clock).plus_seconds(61));
    assert_eq!(code(&world.graphql(&world.owner, test, input).await), "");
}
