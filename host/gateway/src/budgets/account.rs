//! Whose budgets a call draws on.

use glovebox_policy::{Budget, TenantBudgets};

use crate::session::Session;

/// One account and its limits.
pub(super) struct Account {
    /// Its place in the records: no identifier holds a slash.
    pub(super) key: String,
    /// What it is, in the words of a refusal.
    pub(super) name: &'static str,
    pub(super) budget: Budget,
}

/// The app or client, the user and the tenant. The hospital's own pages draw on none.
pub(super) fn accounts(session: &Session, tenant: Option<&TenantBudgets>) -> Vec<Account> {
    let subject = &session.subject;
    let app = match (&subject.app, &subject.client) {
        (Some(app), _) => format!("app/{app}"),
        (None, Some(client)) => format!("client/{client}"),
        (None, None) => return Vec::new(),
    };
    let none = TenantBudgets::default();
    let budgets = tenant.unwrap_or(&none);
    let own = budgets.per_app.min(&session.terms.budget);
    let mut accounts = vec![Account {
        key: format!("{}/{app}", session.tenant),
        name: "the app",
        budget: own,
    }];
    if let Some(user) = &session.user {
        accounts.push(Account {
            key: format!("{}/user/{user}", session.tenant),
            name: "the user",
            budget: budgets.per_user.clone(),
        });
    }
    accounts.push(Account {
        key: format!("{}/whole", session.tenant),
        name: "the hospital",
        budget: budgets.whole.clone(),
    });
    accounts.retain(|account| account.budget != Budget::default());
    accounts
}
