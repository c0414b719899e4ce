"""The table of what speaks to a model: patterns over folded text, each with the words that it cannot do without."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.hypotheses.spellings import folded


class Suspicion(StrEnum):
    """Why a text is not shown to a model."""

    OVERRIDE = "override"
    """It takes instructions back, or gives new ones."""
    ROLE = "role_play"
    """It tells a model who to be."""
    ADDRESS = "addresses_a_model"
    STEERING = "steers_the_answer"
    """It says what the answer shall be."""
    EXFILTRATION = "asks_for_secrets"
    """It asks for the prompt, for others' incidents, or to send something somewhere."""
    FAKE_MESSAGE = "fake_message"
    """It looks like a message of a conversation, or a tool's."""
    FAKE_FENCE = "fake_fence"
    MARKUP = "active_markup"
    HIDDEN = "hidden_characters"
    MIXED_SCRIPTS = "mixed_scripts"


@dataclass(frozen=True)
class Rule:
    """A pattern over text as `folded` or `words` of spellings.py leave it."""

    reason: Suspicion
    hints: tuple[tuple[str, ...], ...]
    """Of each group one is in every text that the pattern is found in: most texts hold none, and cost no search."""
    pattern: re.Pattern[str]

    def matches(self, text: str) -> bool:
        """Whether the text, folded, is what the rule looks for."""
        return all(any(map(text.__contains__, group)) for group in self.hints) and bool(self.pattern.search(text))


def _rule(reason: Suspicion, hints: str, *patterns: str) -> Rule:
    groups = tuple(tuple(group.split("|")) for group in hints.split(" & "))
    return Rule(reason, groups, re.compile("|".join(patterns)))


def _few(count: int) -> str:
    """At most so many words, each with a space before it."""
    return rf"(?: \w+){{0,{count}}}?"


_TOLD = (
    "(?:instructions?|prompts?|directives?|guidelines?|guardrails?|commands?|orders|messages?|constraints|"
    "(?:safety |output )?rules|context|conversation|training|programming|restrictions|you (?:were|have been) told|"
    "you know|evidence|ranking|told)"
)
_WHICH = (
    "(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|former|original|initial|all|any|every|everything|"
    "your|these|those|the|system|developer|other|what)"
)
_MODEL = (
    r"(?:ai|llms?|language models?|ai (?:models?|assistants?|agents?|systems?)|assistants?|chatgpt|gpt(?: ?\d\w*)?|"
    "sre copilot|claude|gemini|chat ?bots?)"
)
_SAY = (
    "(?:report|answer|output|say|state|respond|reply|claim|conclude|declare|name|list|mark|pick|choose|return|"
    "write|"
    "give|identify|consider|set|treat)"
)
_SHOW = (
    "(?:reveal|print|repeat|show|output|leak|dump|expose|tell|send|copy|echo|disclose|recite|summari[sz]e|paste|"
    "include|append|insert|encode|write out|quote|display|give|list|translate|say)"
)
_SEND = "(?:send|post|upload|forward|submit|exfiltrate|transmit|append|attach|leak|include|embed|copy)"
_FETCH = "(?:fetch|visit|open|browse|load|retrieve|call|get|render|request|navigate to|follow)"
_OURS = (
    "(?:evidence|prompt|instructions|snapshot|conversation|answer|context|secrets?|incidents?|credentials|tokens?|"
    "keys?|"
    "hypothes[ie]s|everything|data)"
)
_HUMAN = "(?:user|human|operator|reader|engineer|responder|on call engineer)"

WORDED: Sequence[Rule] = (
    _rule(
        Suspicion.OVERRIDE,
        "ignor|disregard|forget|overrid|bypass|overrul|not follow|stop follow|not obey|set aside|pay no|supersede|"
        "replace|"
        "discard|neglect|abandon|cancel & instruction|prompt|directive|guideline|guardrail|command|order|message|"
        "constraint|rule|context|conversation|training|programming|restriction|told|you know|evidence|ranking",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|overrule|(?:do|must|should) not "
        r"(?:follow|obey)|stop (?:following|obeying)|set aside|pay no (?:attention|heed) to|supersedes?|replaces?|"
        rf"discard|neglect|abandon|cancels?){_few(3)} {_WHICH}{_few(4)} {_TOLD}\b",
    ),
    _rule(
        Suspicion.OVERRIDE,
        "above|before",
        r"\b(?:ignore|disregard|forget) (?:everything|anything|all|what)\b.{0,30}?\b(?:above|before)\b",
    ),
    _rule(
        Suspicion.OVERRIDE,
        "instruction|directive|task|objective",
        r"\b(?:new|updated|real|actual|revised|hidden|secret|following|additional|important|urgent|priority) "
        r"(?:system )?(?:instructions?|directives?|task|objective)s? "
        r"(?:is|are|for|follow|below|you|to you|from the)\b",
        rf"\b(?:follow|obey|execute|apply) (?:these|this|my|the following|only (?:these|this|my)|new|our){_few(2)} "
        r"instructions?\b",
        r"\binstructions? (?:override|overrule|supersede|take precedence|have priority)",
        r"\bignore (?:previous |prior |all )*instructions?\b",
    ),
    _rule(
        Suspicion.OVERRIDE,
        "decode|decrypt|translate|unscramble & follow|obey|do|execute|comply|act|run",
        r"\b(?:decode|decrypt|translate|unscramble)\b.{0,60}\b(?:and|then) (?:then )?(?:follow|obey|do|execute|"
        r"comply|"
        r"act|run)\b",
    ),
    _rule(
        Suspicion.ROLE,
        "you are|you re|act as|pretend|role ?play|roleplay|role play|now on|imagine|behave|respond|answer|"
        "jailbr|"
        "do anything now| mode|unrestricted|your new|game",
        r"\byou (?:are|re) (?:now|no longer|not an?|going to|free|an? (?:ai|assistant|model|unrestricted|different|"
        r"helpful|root cause|expert|pirate|hacker|linux|terminal|evil|honest|rogue)|dan|"
        r"the (?:attacker|admin\w*|system|assistant|model))\b",
        r"\b(?:act|behave|respond|answer) (?:as|like)(?: if you(?: are| were|r)?)?(?: an?| the| my)? (?:\w+ )?"
        r"(?:ai|assistant|model|dan|admin\w*|root|developer|system|hacker|pirate|terminal|unrestricted|jailbroken|"
        r"evil|"
        r"expert|attacker|grandmother|someone)\b",
        r"\bpretend (?:to be|you|that you)\b",
        r"\brole ?play\b",
        r"\bfrom now on you\b",
        r"\bdo anything now\b",
        r"\b(?:enable|enter|activate|in) (?:developer|god|debug|dan|jailbreak|maintenance|unrestricted|"
        r"admin) mode\b"
        r".{0,80}\b(?:you|answer|output|instructions?|restrictions?|blame|rules)\b",
        r"\bjailbr(?:eak|oken)\b",
        r"\b(?:let s|we) play a game\b",
        r"\bimagine (?:that )?you\b",
        r"\byour new (?:role|persona|identity|name|task|job)\b",
        r"\bunrestricted (?:ai|model|assistant)\b",
    ),
    _rule(
        Suspicion.ADDRESS,
        " ai |ai |llm|language model|assistant|gpt|sre copilot|claude|gemini|chatbot|chat bot|if you|dear|"
        "attention|hey",
        r"\b(?:dear|attention|hey|hello|hi|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|"
        r"reminder (?:to|for)|memo (?:to|for)|notice (?:to|for)|listen|important for|for|to) "
        rf"(?:all |any |the |every )?(?:\w+ )?{_MODEL} "
        r"(?:reading|processing|analy[sz]ing|that reads|summari[sz]ing|you|please|must|should|shall|only|do|"
        r"ignore|when|"
        r"this|who|system|which|the|note|answer|respond)\b",
        r"\bif you (?:are|re) (?:an? |the )?(?:ai|llm|language model|ai model|assistant|chat ?bot|machine|"
        r"automated)\b",
        r"\b(?:as|being) an? (?:ai|large language model|language model|llm)\b",
        r"\b(?:dear|attention|hey) (?:ai|llm|assistant|model|gpt|chatgpt|copilot|claude|gemini)\b",
    ),
    _rule(
        Suspicion.STEERING,
        "blame|accuse|incriminate|culprit|cause|guilty|verdict|suspect|rank |no evidence|inconclusive|healthy|"
        "innocent|"
        "confidence|exonerate|clear |answer",
        r"\b(?<!git )(?:blame|accuse|incriminate) (?!free|less|game)(?:it on |only |always |just |the )*\w+",
        rf"\b{_SAY}(?: \w+){{1,6}}? (?:as|is|to be|be) (?:the |a |an )?(?:(?:real|true|only|actual) )?"
        r"(?:root cause|culprit|cause|guilty|healthy|innocent)\b",
        r"\brank(?: \w+){1,5}? (?:first|top|at the top|number one|highest|above)\b",
        rf"\b(?:report|answer|output|say|respond|reply|conclude|return){_few(3)} (?:no evidence|inconclusive)\b",
        r"\b(?:root cause|culprit|verdict|suspected service|answer) (?:must|shall|has to|should) (?:always )?be\b",
        rf"\b(?:set|with|use|give|report|assign|at){_few(3)} confidence (?:of |to |at |is |as )?"
        r"(?:1(?:00|\b)|0 9|high|max)",
        r"\bconfidence (?:must|shall|has to|should) be\b",
        r"\bexonerate \w+",
        r"\bclear \w+ of (?:all )?(?:blame|suspicion)\b",
    ),
    _rule(
        Suspicion.STEERING,
        "suspected|supporting|contradicting|hypotheses|evidence|cite ",
        r"\bhypotheses (?:claim|suspected|must|shall|should|array|json)\b",
        rf"\b(?:cite|use|add|invent|supporting){_few(3)} (?:evidence )?ids? e ?\d",
        r"\b(?:cite|supporting|contradicting) e ?[0-9a-f]{1,8}\b",
        r"\bevidence e ?[0-9a-f]{1,8} (?:proves?|shows?|says?|confirms?)",
    ),
    _rule(
        Suspicion.STEERING,
        "empty|no |zero|refuse to|stop|end your",
        rf"\b(?:return|output|answer with|give|produce|propose){_few(2)} (?:empty|no|zero) (?:\w+ )?"
        r"(?:hypothes[ei]s|answer|output|candidates?)\b",
        r"\brefuse to (?:answer|respond|help|analy[sz]e)\b",
        r"\bstop (?:analy[sz]ing|answering|processing this)\b",
        r"\bend your answer\b",
    ),
    _rule(
        Suspicion.STEERING,
        "tell|instruct|convinc|recommend|advis|suggest|urge|persuade|direct|propose|next step",
        rf"\b(?:tell|instruct|convince|advise|urge|persuade|direct) (?:the |any |every )?{_HUMAN}s? (?:to|that)\b",
        rf"\b(?:recommend|suggest|advise|propose){_few(3)} "
        r"(?:running|run|executing|deleting|dropping|disabling|wiping|downloading|installing)\b"
        r".{0,60}\b(?:next step|engineer|user|answer|curl|sh|bash)\b",
        r"\bnext steps? (?:must|shall|should|has to|is to|are to)\b",
    ),
    _rule(
        Suspicion.EXFILTRATION,
        "prompt|your|above|tenant|other |api key|canary|environment var|the system|these|the whole|hidden|secret|"
        "initial|developer",
        rf"\b{_SHOW}{_few(5)} (?:system prompt|prompt (?:above|verbatim|here|text|word for word)|"
        r"(?:your|the system|these|the above|hidden|secret|initial|developer) (?:own )?(?:system )?"
        r"(?:instructions?|prompt|rules|guidelines|configuration|secrets?|canary|context|message)|"
        r"(?:text|words|everything|all|lines|content|messages?|instructions?) above|"
        r"other (?:tenants?|incidents?|customers?|organi[sz]ations?)|all tenants|api keys?|canary|"
        r"environment variables|the whole (?:prompt|conversation|context))\b",
        r"\bwhat (?:are|were) your (?:system )?(?:instructions?|rules)\b",
        r"\bsystem prompt\b",
    ),
    _rule(
        Suspicion.EXFILTRATION,
        "http|url|webhook|www|image|link|markdown|img",
        rf"\b{_SEND}{_few(8)} {_OURS}{_few(6)} (?:https?|url|webhook|www)\b",
        rf"\b{_FETCH}{_few(4)} https?(?: \w+){{1,12}} (?:and|then|for|before){_few(2)} "
        r"(?:follow|obey|execute|instructions?|answer|report|blame|include|append|do)\b",
        rf"\b(?:include|embed|render|add|insert|put|output|end){_few(6)} (?:image|link|markdown|"
        rf"img)\b{_few(8)} https?\b",
        rf"\bbefore (?:you answer|answering){_few(6)} https?\b",
    ),
    _rule(
        Suspicion.FAKE_MESSAGE,
        "tool|system|assistant|developer|end of|begin|start of|this is|this message|authori",
        r"\btool (?:output|result|response|message)s?\b(?! (?:time|latency|rate|count|error|duration|size))",
        r"\b(?:end|begin|beginning|start) of (?:the )?"
        r"(?:evidence|telemetry|untrusted|user|system|prompt|instructions?|context|data block|input|conversation|"
        r"message)\b",
        r"\b(?:system|developer|assistant) (?:message|override|notice|instruction|directive|command|update)s?\b"
        rf"{_few(6)} (?:you|ignore|blame|must|override|all|the model|from)\b",
        r"\bthis (?:message )?is (?:from )?(?:the )?"
        r"(?:system|developers?|openai|microsoft|administrators?|your (?:developer|creator|operator)s?)\b",
        r"\bauthori[sz]ed by (?:the )?(?:openai|microsoft|anthropic|system|developers?)\b",
    ),
)
"""Over the words alone."""

_MESSAGE_BEGINS = r"(?:^|[\n.;>\]}\"'])\s{0,20}"
SPELLED: Sequence[Rule] = (
    _rule(
        Suspicion.FAKE_FENCE,
        "<|evidence-",
        r"</\s*(?:evidence|system|instructions?|prompt|context|user|assistant|tool|untrusted|material|documents?|"
        r"reference)\b",
        r"<\s*(?:evidence|system|instructions?|assistant|untrusted|tool_\w+)\b",
        r"evidence-[0-9a-f]{8,}",
        r"</(?:data|input|message)>",
    ),
    _rule(
        Suspicion.FAKE_MESSAGE,
        "<|>|[inst|[/inst|sys>>|role|assistant|system|##|tool|---|function|developer",
        r"<\|",
        r"\|>",
        r"\[/?inst\]",
        r"<</?sys>>",
        r"[\"']?\brole\b[\"']?\s*[:=]\s*[\"']?(?:system|assistant|developer|tool|user)\b",
        rf"{_MESSAGE_BEGINS}\W{{0,4}}(?:assistant|developer)\W{{0,3}}:\s*\w",
        r"[\[({#*]\s*(?:system|assistant|developer)(?: (?:message|prompt|note|override))?\s*[\])}:*]",
        rf"{_MESSAGE_BEGINS}system\s*:\s*(?:you|ignore|the (?:root|user|culprit)|blame|new|override|from|all|set|"
        rf"answer|"
        r"report|forget|disregard|output|please|previous|do not)\b",
        r"(?<!#)#{2,}\s{0,20}(?:system|instructions?|response|new (?:instruction|task|prompt)|assistant|"
        r"end of|human|user)\b",
        r"(?<!-)-{3,}\s{0,20}(?:end|begin|new|system)\b",
        r"\"(?:tool_calls?|function_call|tool_use|tool_result|tool)\"\s*:",
        r"\b(?:tool|function)[_ ](?:output|result|response|use|call)\s*[:=>({]",
    ),
    _rule(
        Suspicion.STEERING,
        "suspected_|hypotheses|supporting|claim|mechanism",
        r"suspected_(?:service|change)",
        r"[\"']hypotheses[\"']\s*:",
        r"[\"'](?:supporting|claim|mechanism)[\"']\s*:",
    ),
    _rule(
        Suspicion.MARKUP,
        "![|<|javascript:|data:text|](",
        r"<\s*(?:img|script|iframe|svg|object|style|form|link|meta|embed|base|video|audio)\b(?=[^>]{0,200}=|"
        r"\s*/?>)",
        r"javascript:",
        r"data:text/html",
        r"!\[[^\]]{0,200}\]\s?[\(\[]\s?[^)\s]*[?&=]",
        r"!\[[^\]]{0,200}\]\s?\(?\s?https?://(?!\S+\.(?:png|svg|jpe?g|gif)\))",
        r"\]\(https?://[^)\s]*[?&]\w*=(?:[\[{<%$]|\.\.\.|data|secret)",
    ),
)
"""Over the text with its signs."""

# Of other languages: to disregard, and what one is told, within a few words; and whom to blame.
_DISREGARD = (
    "ignorier|missacht|vergiss|vergesst|ubergeh|ignorez|ignorer|oublie|ne tenez pas compte|ne tiens pas compte|"
    "ignora|ignoren|olvida|haz caso omiso|dimentica|ignorate|trascura|ignore as|ignore todas|esquec|desconsider|"
    "negeer|vergeet|zignoruj|pomin|zapomnij|игнорир|проигнорир|забудь|забыть|не следуй|ігнор|忽略|无视|忘记|無視|"
    "忘れ|무시|잊어|تجاهل|انس|التجاهل|अनदेखा|भूल जा|नजरअंदाज|yok say|gormezden|unut|bo qua|quen|abaikan|lupakan|"
    "ignorera|glom|ignoruj|zapomen|αγνοησ|ξεχασ|התעלם|שכח|ละเว้น|เพิกเฉย|unohda|ala valita"
)
_INSTRUCTED = (
    "anweisung|instruktion|vorgabe|befehl|regeln|consigne|instruction|directive|instrucci|istruzion|indicazion|"
    "instruc|regras|instructie|opdracht|polecen|instrukcj|инструкц|указани|правил|команд|інструкц|вказівк|指示|指令|说明|命令|"
    "プロンプト|지시|명령|지침|تعليمات|اوامر|निर्देश|talimat|huong dan|chi thi|instruksi|perintah|pokyn|οδηγι|εντολ|"
    "הוראות|ההנחיות|คำสั่ง|คำแนะนำ|ohje"
)
_BLAME = (
    "schuld an|gib .{0,20} die schuld|beschuldig|accuse[zr]? (?:le|la)|la cause est toujours|culpa a|culpa al|"
    "da la colpa|culpe o|geef .{0,20} de schuld|obwin|обвини|вини|归咎|歸咎|责怪|怪罪|責めて|のせいにし|"
    "원인으로 보고|탓으로|탓하|القي باللوم|لم الخدمة|दोष दो|दोषी ठहरा|sucla|do loi|salahkan|skyll pa|obvin"
)


def _stems(text: str) -> str:
    # A pattern is folded as the text is, but for the signs that make it one.
    return re.sub(r"[^|.{}(),?\[\]0-9 :]+", lambda match: folded(match[0]), text)


DISREGARDS, INSTRUCTS = (tuple(_stems(text).split("|")) for text in (_DISREGARD, _INSTRUCTED))
BLAMES = tuple(re.split(r"\W", stem)[0] for stem in re.split(r"\|(?![^(]*\))", _stems(_BLAME)))
_GIVEN_UP, _GIVEN = f"(?:{_stems(_DISREGARD)})", f"(?:{_stems(_INSTRUCTED)})"
FOREIGN_OVERRIDE = re.compile(f"{_GIVEN_UP}.{{0,60}}?{_GIVEN}|{_GIVEN}.{{0,30}}?{_GIVEN_UP}")
FOREIGN_BLAME = re.compile(rf"\b(?:{_stems(_BLAME)})")
SQUASHED = re.compile(
    "(?:ignore|disregard|forget|override)(?:all|any|the|your|every)*(?:previous|prior|above|earlier|system)"
    "(?:instruction|prompt|rule|directive|message)"
)
"""Over the words without the spaces between them."""
