//! What `wit-bindgen` makes of the guest interface. Everything else in this crate
//! wraps it; only [`crate::register!`] reaches in from outside.

wit_bindgen::generate!({
    path: "../wit",
    world: "screen-app",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_screen",
    default_bindings_module: "glovebox_sdk::bindings",
});
