//! One file per page: a struct that the server fills and a `page` method that draws it.

pub mod app_frame;
pub mod apps;
pub mod audit;
pub mod connected_apps;
pub mod consent;
pub mod error;
pub mod first_use;
pub mod landing;
pub mod patient;
pub mod patient_list;
pub mod picker;
pub mod sessions;
pub mod sign_in;

pub use app_frame::{AppFrame, FrameState, ReadCall, Stop};
pub use apps::{Act, AppAction, AppRow, Apps};
pub use audit::{Audit, AuditRow, AuditSearch};
pub use connected_apps::{ConnectedApp, ConnectedApps};
pub use consent::{ConsentItem, ConsentPage};
pub use error::ErrorPage;
pub use first_use::FirstUse;
pub use landing::{Landing, Person};
pub use patient::{AppCard, Fact, FactGroup, PatientPage};
pub use patient_list::{PatientList, PatientRow};
pub use picker::{EncounterPicker, PatientPicker};
pub use sessions::{SessionRow, Sessions};
pub use sign_in::SignIn;
