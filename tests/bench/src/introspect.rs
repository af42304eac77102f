//! `introspect`: what an app's access token is worth, with its grant, its user and its
//! client looked at each time, by 64 callers at once; against one read of the records.

use anyhow::{Context as _, ensure};
use glovebox_authorization::Asker;
use glovebox_database::{Batch, Durability, Expect, Keyspace};

use crate::flight::{CALLERS, side_by_side};
use crate::house::House;
use crate::measure::{Pair, Plan, Row, interleave};
use crate::smart::Smart;

/// Questions of one caller in a sample.
const EACH: usize = 32;
/// Grants whose tokens are asked about in turn.
const GRANTS: usize = 8;
const PLAN: Plan = Plan {
    blocks: 100,
    block: 2,
    warm_up: 5,
};

struct Introspect {
    smart: Smart,
    asker: Asker,
    tokens: Vec<String>,
    records: Keyspace,
    // the records live as long as their directory
    _house: House,
}

async fn ask(smart: Smart, asker: Asker, token: String) -> anyhow::Result<()> {
    let services = &smart.host.services;
    let care = &services.authorization.token_care;
    let found = care
        .introspect(&asker, &token, services.clock.now())
        .await?;
    ensure!(
        found.is_some_and(|active| active.grant.is_some()),
        "it is not in force"
    );
    Ok(())
}

async fn read(records: Keyspace) -> anyhow::Result<()> {
    ensure!(records.get(b"one").await?.is_some(), "it is not there");
    Ok(())
}

impl Pair for Introspect {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let tokens = self.tokens.iter().cycle();
        let of_caller = || tokens.clone().take(EACH).cloned().collect();
        let work = (0..CALLERS).map(|_| of_caller()).collect();
        let (smart, asker) = (self.smart.clone(), self.asker.clone());
        let each = move |token| ask(smart.clone(), asker.clone(), token);
        let (taken, _) = side_by_side(work, each).await?;
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let work = (0..CALLERS).map(|_| vec![(); EACH]).collect();
        let records = self.records.clone();
        let (taken, _) = side_by_side(work, move |()| read(records.clone())).await?;
        Ok(taken)
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let smart = Smart::new().await?;
    let house = House::new().await?;
    let records = house.space("bench");
    let batch = Batch::new().put(b"one", vec![b'x'; 400], Expect::Absent);
    let written = records.commit(batch, Durability::Sync).await?;
    ensure!(written.is_ok(), "the key was taken");
    let grants = smart.grants(GRANTS).await?;
    let clients = &smart.host.services.authorization.clients;
    let client = clients.get(&smart.tenant, &"demo-public".parse()?).await?;
    let mut pair = Introspect {
        asker: Asker::Client(Box::new(client.context("no client")?)),
        tokens: grants.into_iter().map(|(_, access)| access).collect(),
        records,
        smart,
        _house: house,
    };
    let row = interleave("introspect", "us", PLAN, &mut pair).await?;
    crate::report::note(&format!("{:.0} tokens a second", 1e6 / row.median));
    Ok(row)
}
