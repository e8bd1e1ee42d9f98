"""Generated names and texts in the ten languages, the same in every run of a seed."""

import unicodedata

LONGEST_NAME = 200  # bytes, base/limits.h

WORDS = {
    "et": "õhtu äär öö üks žanr šokk toetus kultuur rahastus täna homme vöötohatis jää-äär",
    "ru": "привет жёлтый съезд культура заявка подъём ещё щедрость объём Йыхви",
    "en": "grant deadline workshop don't re-open naïve café co-operate culture letter",
    "lv": "ģimene ķirsis ļoti ņem šodien žurka ēst īss ūdens kultūra pieteikums",
    "lt": "ąžuolas čia ęda ėjo įdomu šiandien ųjų ūkis žmogus kultūra paraiška",
    "pl": "żółć źdźbło łąka gęś wniosek nabór sztuka świętość ćma ńko",
    "cs": "žluťoučký kůň úpěl ďábelské ódy řeřicha výzva žádost ň",
    "de": "Förderung Maß Straße Übermut Öl ärgerlich Donaudampfschifffahrt Gruß",
    "sv": "ansökan förening å älg ö kultur bidrag räksmörgås",
    "fi": "hakemus yö äiti kulttuuri työpaja öljy hääyöaie rahoitus",
}
RIGHT_TO_LEFT = "שלום עולם مرحبا بالعالم תרבות ثقافة".split()
EMOJI = ["🎨", "🎵", "👩‍🎨", "🇪🇪", "👨‍👩‍👧‍👦", "❤️", "🧑🏽‍🎤", "✨"]
EASTERN = ["李小龍", "さくら", "김민수", "Ελένη", "Ծովինար", "ქეთევან"]
SYMBOLS = list("\"'`,;:()<>[]{}@\\/|&%#$!?*_=+~^-.") + ["=?UTF-8?Q?x?=", "&amp;", "{{member.name}}",
                                                        "<b>", "%00", "--", "From ", "..", "=20"]


def make_name(dice):
    """What somebody may have typed into the column for names."""
    kinds = [lambda: dice.choice(WORDS[dice.choice(list(WORDS))].split()).capitalize(),
             lambda: dice.choice(RIGHT_TO_LEFT), lambda: dice.choice(EMOJI),
             lambda: dice.choice(EASTERN), lambda: dice.choice(SYMBOLS),
             lambda: "".join(dice.choice("abcäöüõžшщ") for _ in range(dice.randint(1, 60)))]
    parts = [dice.choice(kinds)() for _ in range(dice.randint(1, 6))]
    name = unicodedata.normalize("NFC", " ".join(" ".join(parts).split()))
    if not any(c.isalpha() for c in name):
        name += " Mari"
    return name if len(name.encode()) <= LONGEST_NAME else make_name(dice)


def make_text(dice, language, count):
    """Plain words, so that Markdown means nothing by them."""
    pool = WORDS[language].split() + EMOJI + RIGHT_TO_LEFT
    return " ".join(dice.choice(pool) for _ in range(count))
