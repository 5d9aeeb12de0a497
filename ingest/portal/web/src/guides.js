// How each identity provider is set up, step by step. {base}, {token}, {key} and {signin} are this workspace's own values.
// `code` marks what is typed or clicked; `copy` what is to be copied.
export const GUIDES = {
  entra: {
    name: "Microsoft Entra ID", preset: "entra", dialect: "entra",
    rhythm: "Entra synchronises about every 40 minutes. Provision on demand shows one user at once.",
    steps: [
      "Entra admin center, Enterprise applications, New application, Create your own application, “Integrate any other application you don't find in the gallery”.",
      "Open the application, Provisioning, New configuration. Tenant URL: {base}. Secret token: {token}. Press Test connection, then Create.",
      "Attribute mapping, Users: keep userName as the matching attribute, and Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\") for active. Keep displayName, the work e-mail address, given and family name, externalId from objectId. Delete what you do not need.",
      "Role, if Entra shall decide it: Show advanced options, Edit attribute list, add urn:ietf:params:scim:schemas:extension:usher:2.0:User:editor of type Boolean; map it with IIF(SingleAppRoleAssignment([appRoleAssignments])=\"Editor\", \"True\", \"False\").",
      "Groups: displayName as the matching attribute, externalId, members. Groups cannot be nested: assign groups whose members are the users themselves.",
      "Users and groups: assign. Provision on demand with one user, then Start provisioning.",
    ],
    notes: ["Who leaves the scope is deactivated: leaves all rooms at once, and the seat is free. Entra deletes 30 days later."],
  },
  okta: {
    name: "Okta", preset: "okta", dialect: "okta",
    rhythm: "Okta sends each change as it happens.",
    steps: [
      "Applications, Create App Integration (SAML 2.0 or SWA), General, App Settings, Edit, Provisioning: SCIM.",
      "Provisioning, Integration, Edit. SCIM connector base URL: {base}. Unique identifier field for users: userName. Supported actions: Import New Users and Profile Updates, Push New Users, Push Profile Updates, Push Groups. Authentication mode: HTTP Header, with {token}. Test Connector Configuration, Save.",
      "Provisioning, To App, Edit: Create Users, Update User Attributes, Deactivate Users.",
      "Role, if Okta shall decide it: Go to Profile Editor, Add Attribute: boolean, variable name editor, external name editor, external namespace urn:ietf:params:scim:schemas:extension:usher:2.0:User.",
      "Assignments: assign people or groups. Push Groups: the groups that are rooms; Push group memberships immediately.",
    ],
    notes: ["Okta never deletes. A deactivated user frees the seat and keeps the id.", "Do not push a group that is assigned as well: its people may be pushed before they are created."],
  },
  jumpcloud: {
    name: "JumpCloud", preset: "scim", dialect: "rfc",
    rhythm: "JumpCloud sends each change as it happens.",
    steps: [
      "SSO Applications, Add New Application, Custom Application; choose Manage Single Sign-On and Export users to this app.",
      "Identity Management: API type SCIM API, SCIM version 2.0, Base URL: {base}, Token key: {token}, Test user email: an address that nobody has. Test Connection, Activate.",
      "Turn on group management, and bind user groups to the application. Each becomes a room.",
    ],
    notes: ["The test creates a user and a group and takes them away again, so one seat must be free."],
  },
  onelogin: {
    name: "OneLogin", preset: "scim", dialect: "rfc",
    rhythm: "OneLogin sends each change as it happens.",
    steps: [
      "Applications, Add App, “SCIM Provisioner with SAML (SCIM v2 Enterprise)”.",
      "Configuration: SCIM Base URL: {base}. SCIM Bearer Token: {token}. API Connection: Enable.",
      "Provisioning: Enable provisioning; choose which of create, delete and update need an approval. When users are deleted in OneLogin: Suspend.",
      "Parameters: scimusername from Email or Username; Groups: Include in User Provisioning. Rules: set Groups from the roles that shall be rooms.",
      "Users: assign. Under Users of the application, approve what waits.",
    ],
    notes: [],
  },
  google: {
    name: "Google Workspace", preset: "scim", dialect: "rfc",
    rhythm: "Google synchronises every few hours; its first run can take a day.",
    steps: [
      "Admin console, Apps, Web and mobile apps, your SAML application, Auto-provisioning, Configure auto-provisioning. Google offers this for applications of its catalogue; for others take its directory through a bridge such as scimgateway.",
      "Endpoint URL: {base}. Access token: {token}.",
      "Attribute mapping: userName from Primary email, name.givenName, name.familyName, emails[type eq \"work\"].value.",
      "Provisioning scope: the groups whose people shall be here. De-provisioning: suspend after a day. Turn the switch to On.",
    ],
    notes: ["Google sends people and no groups. Put them into rooms through the Management API or this portal's API."],
  },
  ping: {
    name: "PingOne and PingFederate", preset: "scim", dialect: "rfc",
    rhythm: "Ping sends each change as it happens.",
    steps: [
      "PingOne: Integrations, Provisioning, New Connection, Identity Store, SCIM Outbound.",
      "SCIM Base URL: {base}. Users Resource: /Users. Groups Resource: /Groups. SCIM Version: 2.0. Authentication: OAuth 2 Bearer Token, {token}. Test Connection.",
      "User Filter Expression: userName Eq \"%s\". Remove action: Disable. Turn on Allow users to be created, updated, disabled.",
      "Add a rule: which population or group is synchronised, and the attribute mapping with userName. Group provisioning: the groups that are rooms. Turn rule and connection on.",
    ],
    notes: [],
  },
  keycloak: {
    name: "Keycloak", preset: "scim", dialect: "rfc",
    rhythm: "Keycloak sends each change as it happens.",
    steps: [
      "Install an outgoing SCIM extension; User federation or Events, by the extension's manual.",
      "SCIM 2.0 endpoint: {base}. Content type: application/scim+json. Authentication: Bearer, {token}.",
      "Propagation of users and of groups: on. Group patchOp: on.",
      "Start with an empty workspace, or import first: Keycloak creates without looking, and does not read a 409.",
    ],
    notes: ["Without patchOp a group that has lost its last member is sent without members, which leaves the members as they are."],
  },
  generic: {
    name: "Another one (generic SCIM 2.0)", preset: "scim", dialect: "rfc",
    rhythm: "How often it comes is up to the provider.",
    steps: [
      "Base URL (also called tenant URL, endpoint or connector URL): {base}.",
      "Authentication: bearer token in the Authorization header, {token}. Or OAuth 2.0 client credentials: token endpoint {oauth}, client id {key}, client secret the token.",
      "Match users by userName and groups by displayName. Groups become rooms.",
      "Map active, so that people who leave are deactivated and their seats are free.",
      "Test with one user and one group before everybody.",
    ],
    notes: ["The filter grammar, PATCH, Bulk, sorting and pages by index or cursor all work: GET {base}/ServiceProviderConfig says what."],
  },
};
