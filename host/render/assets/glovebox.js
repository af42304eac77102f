// Comfort only: every page works without this file.
(() => {
  "use strict";
  // A form that is on its way is not sent twice. The button is marked, not disabled at
  // once, because a disabled button would not send its own value.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
  });
  // Coming back with the back button finds the forms usable again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll('form[aria-busy="true"]')) {
      form.removeAttribute("aria-busy");
    }
  });
  // The user menu closes on Escape and on a click elsewhere.
  const menu = document.querySelector("details.user-menu");
  if (menu) {
    document.addEventListener("click", (event) => {
      if (menu.open && !menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
  }
})();
