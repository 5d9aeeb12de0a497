// schemas/asyncapi.json, its path in the first word: what AsyncAPI's parser says, and which names modelina's generator
// of TypeScript finds for its models. One JSON line for each check.
import {Parser, fromFile} from "@asyncapi/parser";
import {TypeScriptGenerator} from "@asyncapi/modelina";

// The newest version of AsyncAPI is one that modelina does not read yet.
const MEANT = ["asyncapi-latest-version"];

const say = (check, ok, detail) => console.log(JSON.stringify({check, ok, detail}));
const {document, diagnostics} = await fromFile(new Parser(), process.argv[2]).parse();
const wrong = diagnostics.filter(d => !MEANT.includes(d.code));
say("the parser accepts it", document !== undefined, "");
say("without an error, a warning or a hint", wrong.length === 0,
    wrong.slice(0, 5).map(d => `${d.path.join("/")}: ${d.message}`).join("; "));
if (document !== undefined) {
    const messages = document.allMessages().all(), models = await new TypeScriptGenerator().generate(document);
    const bare = messages.filter(m => m.examples().all().length === 0).map(m => m.name());
    say("every message has an example", messages.length > 20 && bare.length === 0, bare.join(", "));
    const names = models.map(m => m.modelName), nameless = names.filter(n => /anonym|colon|slash|_|^root$/i.test(n));
    say("every generated model has a name", nameless.length === 0, nameless.join(", "));
    const lacking = ["MembershipMember", "MembershipRoom", "MemberState", "RoomState", "AuditChange", "AuditRequest",
                     "EventClaims", "KeyActor", "StreamStub"].filter(n => !names.includes(n));
    say("the models are there", lacking.length === 0, lacking.join(", "));
}
