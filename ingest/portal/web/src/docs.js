// The description of the API, drawn by Swagger UI. It writes HTML of what stands in openapi.json; the browser lets
// nothing through that DOMPurify has not cleaned (Trusted Types, policy `default`).
import DOMPurify from "dompurify";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";

if (window.trustedTypes) {
  // DOMPurify reads HTML in a document of its own, where no script runs and nothing is loaded. Swagger UI brings a second
  // DOMPurify, which has the policy `dompurify`.
  const reader = window.trustedTypes.createPolicy("usher-docs", { createHTML: (text) => text, createScriptURL: () => "" });
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => String(DOMPurify.sanitize(text, { TRUSTED_TYPES_POLICY: reader })),
  });
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// There is one server, this one.
const OneServer = () => ({ wrapComponents: { ServersContainer: () => () => null } });

// A token typed in here is in the memory of this page alone, and goes to this service alone.
SwaggerUI({
  url: "/api/v1/openapi.json", domNode: document.getElementById("docs"), plugins: [OneServer], deepLinking: false,
  docExpansion: "list", defaultModelsExpandDepth: 0, filter: true, persistAuthorization: false, validatorUrl: null,
  requestSnippetsEnabled: true, syntaxHighlight: { activated: false },
  requestInterceptor: (request) => {
    if (new URL(request.url, location.href).origin !== location.origin)
      throw new Error("This page asks its own service alone");
    request.credentials = "omit";
    return request;
  },
});

// Swagger UI leaves fields without a name that a screen reader could say, and examples that the keyboard cannot scroll.
const drawn = document.getElementById("docs");
function complete() {
  for (const field of drawn.querySelectorAll(":is(select, input, textarea):not([aria-label])")) {
    const row = field.closest("[data-param-name]");
    if (row)
      field.ariaLabel = row.dataset.paramName;
    else if (field.matches(".body-param__text"))
      field.ariaLabel = "Request body";
  }
  for (const example of drawn.querySelectorAll("pre.microlight:not([tabindex])"))
    example.tabIndex = 0;
}
new MutationObserver(complete).observe(drawn, { childList: true, subtree: true });
