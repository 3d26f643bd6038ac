// A language model server of our own that speaks the OpenAI protocol: it marks the first words of each
// utterance as evidence, gives level 3 first and level 4 when it is asked again, and says one strength. It listens on loopback.
import { once } from "node:events";
import { createServer } from "node:http";

export async function startModel() {
  const asked = [];
  const server = createServer(async (request, answer) => {
    let text = "";
    for await (const piece of request) text += piece;
    if (!request.url.endsWith("/chat/completions")) return answer.writeHead(404).end("{}");
    const body = JSON.parse(text);
    asked.push(body);
    const question = JSON.parse(body.messages.at(-1).content);
    stream(answer, JSON.stringify(reply(question)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}/v1`,
    asked,
    stop: () => new Promise((done) => server.close(done)),
  };
}

function reply(question) {
  if (question.words) return evidence(question);
  if (question.counted) return advice();
  return rating(question.said ? 4 : 3); // a second rating is asked under other names
}

function advice() {
  const strength = { text: "You say which part you built.", marked: [0], counted: ["words"] };
  const unfounded = { text: "You sound confident.", marked: [0], counted: [] };
  return { strengths: [strength, unfounded], gaps: [], drill: [] };
}

function evidence(question) {
  const last = Math.min(5, question.words.split(" ").length - 1);
  return { evidence: [{ competency: question.competencies[0].id, first: 0, last, polarity: "supports", part: "action" }] };
}

function rating(level) {
  return { observed: true, level, why_not_higher: "What was changed afterwards is not said.", why_not_lower: "What was done is said." };
}

function stream(answer, content) {
  answer.writeHead(200, { "Content-Type": "text/event-stream" });
  const chunk = (delta, finish_reason = null) =>
    answer.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "test", choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  for (const piece of content.match(/.{1,20}/g)) chunk({ content: piece });
  chunk({}, "stop");
  answer.end("data: [DONE]\n\n");
}
