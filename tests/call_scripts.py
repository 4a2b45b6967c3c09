"""Scripts of films in seven languages whose sentences are labelled: a call to action, or none.

Among those that are none are many that use the same words for something else. `scripts` puts sentences together into
films by seed; the sentences were written by hand for this purpose and may be used freely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.features.spoken import Word
from tests.held_out_calls import HELD_OUT_CALLS, HELD_OUT_PLAIN

CALLS = {
    "en": [
        "If you enjoyed this, please subscribe and ring the bell.",
        "Hit that like button and leave a comment below.",
        "Don't forget to subscribe to the channel for more videos like this one.",
        "You will find the link in the description.",
        "Check out our website for the full recipe.",
        "Sign up today and get the first month for free.",
        "Use code MORNING20 for twenty percent off your first order.",
        "Head over to our shop and order yours now.",
        "Download the app and try it free for two weeks.",
        "Follow us on Instagram for daily pictures.",
        "Let me know in the comments which one you would choose.",
        "Join our newsletter so that you never miss an episode.",
        "Book your free consultation now.",
        "Call us on five five five, one two three four.",
        "Visit our showroom this weekend.",
        "Buy tickets before they are gone.",
        "Share this video with somebody who needs to hear it.",
        "If you want to support the channel, become a member.",
        "Tap the link below to get started.",
        "Scan the code on your screen to vote for your favourite.",
        "Give this video a thumbs up if it helped you.",
        "Get your free sample at your nearest store.",
        "Register now, places are limited.",
        "Swipe up to see the whole collection.",
        "Learn more at riverside dot org.",
        "Click on the link in my bio to read the whole story.",
        "Grab your copy wherever books are sold.",
        "Get in touch with our team today.",
        "Tell us in the comments what we should build next.",
        "Start your free trial and cancel whenever you like.",
    ],
    "de": [
        "Wenn euch das gefallen hat, abonniert den Kanal und aktiviert die Glocke.",
        "Lasst gerne ein Like da und schreibt mir in die Kommentare, was ihr denkt.",
        "Den Link findet ihr unten, also den Link in der Beschreibung.",
        "Jetzt anmelden und dreißig Tage kostenlos testen.",
        "Besuchen Sie unsere Webseite und bestellen Sie noch heute.",
        "Mit dem Code SOMMER bekommt ihr zehn Prozent Rabatt.",
        "Folgt uns auf Instagram für mehr Bilder.",
        "Ladet euch die App herunter und probiert es aus.",
        "Rufen Sie uns an, wir beraten Sie gerne.",
        "Teilt dieses Video mit euren Freunden.",
        "Werdet Mitglied und unterstützt uns dabei.",
        "Sichern Sie sich jetzt einen der letzten Plätze.",
    ],
    "fr": [
        "Si la vidéo vous a plu, abonnez-vous et activez la cloche.",
        "Laissez un commentaire et mettez un like.",
        "Le lien est dans la description, cliquez sur le premier.",
        "Inscrivez-vous dès maintenant à notre newsletter.",
        "Téléchargez l'application et essayez gratuitement pendant un mois.",
        "Avec le code PRINTEMPS vous avez dix pour cent de réduction.",
        "Suivez-nous sur Instagram pour ne rien manquer.",
        "Partagez cette vidéo avec vos amis.",
        "Réservez votre place avant vendredi.",
        "Rendez-vous sur notre site pour commander.",
    ],
    "es": [
        "Si te ha gustado, suscríbete y activa la campanita.",
        "Dale like y deja un comentario aquí abajo.",
        "Tienes el enlace en la descripción del vídeo.",
        "Regístrate hoy mismo y prueba gratis un mes.",
        "Descarga la aplicación y empieza ahora.",
        "Usa el código VERANO y llévate un descuento.",
        "Síguenos en Instagram para ver más.",
        "Comparte este vídeo con tus amigos.",
        "Visita nuestra página y reserva tu plaza.",
        "Llámanos y te ayudamos.",
    ],
    "it": [
        "Se vi è piaciuto, iscrivetevi al canale e attivate la campanella.",
        "Lasciate un like e un commento qui sotto, rispondo nei commenti.",
        "Trovate il link in descrizione.",
        "Scarica l'app e prova gratis per un mese.",
        "Usa il codice ESTATE per avere uno sconto.",
        "Seguiteci su Instagram.",
        "Visita il nostro sito e prenota ora.",
        "Condividi questo video con chi ne ha bisogno.",
    ],
    "pt": [
        "Se gostou, se inscreva no canal e ative o sininho.",
        "Deixe seu like e um comentário, eu leio tudo nos comentários.",
        "O link está na descrição.",
        "Baixe o aplicativo e experimente grátis.",
        "Use o código VERÃO e ganhe um desconto.",
        "Siga-nos no Instagram para ver mais.",
        "Acesse o nosso site e compre agora.",
        "Compartilhe este vídeo com os seus amigos.",
    ],
    "nl": [
        "Vond je dit leuk, abonneer je dan en zet het belletje aan.",
        "Geef een duimpje omhoog en laat een reactie achter.",
        "De link staat in de beschrijving.",
        "Meld je aan en probeer het gratis.",
        "Volg ons op Instagram voor meer foto's.",
        "Gebruik de code ZOMER voor tien procent korting.",
        "Download de app en boek je plek.",
        "Deel deze video met je vrienden.",
    ],
}  # fmt: skip

PLAIN = {
    "en": [
        "The first thing you notice is how quiet the street has become.",
        "I do not subscribe to the idea that talent is everything.",
        "There is a clear link between sleep and memory.",
        "She likes to walk along the river in the morning.",
        "We followed the path until it ended at a wall.",
        "He clicked the switch and the whole hall went dark.",
        "My neighbours bought the old bakery last year.",
        "They gave the pilot a thumbs up and the rope was let go.",
        "Nobody had subscribed to the paper in months.",
        "The comments of the judges were not friendly at all.",
        "The bell of the old church rang at noon.",
        "We went to visit our grandmother in the hospital.",
        "He joined us in the second year of the war.",
        "It takes about ten minutes to walk from one end to the other.",
        "People here used to call us the fools from the hill.",
        "The channel between the islands is only a mile wide.",
        "You add the flour slowly, and stir until it is smooth.",
        "The code of the programme had not been touched for years.",
        "A free press needs people who pay for it.",
        "He signed the letter and put it into a drawer.",
        "They share this flat with two cats and a dog.",
        "She reads a book a week and forgets them all.",
        "The order of the pictures is what tells the story.",
        "In the description of the crime one detail was missing.",
        "The button on his coat was hanging by a thread.",
        "What happened next, nobody could explain.",
        "The trial lasted four weeks and ended without a verdict.",
        "When I was a child we bought our tickets from the driver.",
        "Her likes and dislikes were known to everyone in the house.",
        "The dog followed me home and never left.",
        "You can see the mountain from the kitchen window.",
        "They would call us whenever the river rose.",
        "The website of the town had been down since Monday.",
        "It is free, it is old, and nobody wants it.",
        "He was asked to join us for dinner and said no.",
        "We learn more from the mistakes than from the rest.",
        "Below the surface the water is cold and still.",
        "She had to register at the office in the next town.",
        "A comment like that can end a friendship.",
        "Today the hall is empty and the seats are gone.",
    ],
    "de": [
        "Die Straße ist leise geworden, das merkt man zuerst.",
        "Zwischen Schlaf und Gedächtnis gibt es einen klaren Zusammenhang.",
        "Meine Oma hat ihr Leben lang dieselbe Zeitung abonniert.",
        "Der Hund folgt mir überall hin.",
        "Die alte Linde spendet Schatten im ganzen Hof.",
        "Er drückte auf den Knopf und alles wurde dunkel.",
        "Die Glocke der Kirche läutet um zwölf.",
        "Sein Kommentar war nicht freundlich gemeint.",
        "Man rührt das Mehl langsam ein, bis es glatt ist.",
        "Früher kam die Post zweimal am Tag.",
        "Der Kanal zwischen den Inseln ist nur eine Meile breit.",
        "Das Angebot an Arbeit war damals klein.",
        "Links sieht man den Turm, rechts das Rathaus.",
        "Wir haben die Großeltern im Krankenhaus besucht.",
    ],
    "fr": [
        "La rue est devenue très calme, c'est la première chose qu'on remarque.",
        "Il y a un lien clair entre le sommeil et la mémoire.",
        "Ma grand-mère était abonnée au même journal toute sa vie.",
        "Le chien me suit partout.",
        "La cloche de l'église sonne à midi.",
        "Il appuya sur le bouton et tout devint noir.",
        "La description du tableau tient en deux lignes.",
        "On ajoute la farine lentement, puis on mélange.",
        "Son commentaire n'était pas gentil.",
        "Le canal entre les îles est très étroit.",
        "Aujourd'hui la salle est vide.",
        "Nous avons rendu visite à notre tante.",
    ],
    "es": [
        "La calle se ha quedado muy tranquila.",
        "Hay una relación clara entre el sueño y la memoria.",
        "Mi abuela estaba suscrita al mismo periódico toda la vida.",
        "El perro me sigue a todas partes.",
        "La campana de la iglesia suena al mediodía.",
        "Pulsó el interruptor y todo quedó a oscuras.",
        "La descripción del cuadro ocupa dos líneas.",
        "Se añade la harina despacio y se remueve.",
        "El canal entre las islas es muy estrecho.",
        "Hoy la sala está vacía.",
        "Fuimos a visitar a nuestra tía.",
        "La niña se llama Ana y tiene seis años.",
    ],
    "it": [
        "La strada è diventata molto silenziosa.",
        "C'è un legame chiaro tra sonno e memoria.",
        "Il cane mi segue dappertutto.",
        "La campana della chiesa suona a mezzogiorno.",
        "Si aggiunge la farina piano piano.",
        "Il canale tra le isole è stretto.",
        "Oggi la sala è vuota.",
        "Mio nonno era iscritto al partito da giovane.",
        "Siamo andati a trovare la zia.",
    ],
    "pt": [
        "A rua ficou muito silenciosa.",
        "Há uma ligação clara entre o sono e a memória.",
        "O cão me seguia por toda parte.",
        "O sino da igreja toca ao meio-dia.",
        "Junta-se a farinha devagar e mexe-se bem.",
        "O canal entre as ilhas é estreito.",
        "Hoje a sala está vazia.",
        "Fomos visitar a nossa tia.",
        "A descrição do quadro tem duas linhas.",
    ],
    "nl": [
        "De straat is heel stil geworden.",
        "Er is een duidelijk verband tussen slaap en geheugen.",
        "De hond volgde mij overal.",
        "De klok van de kerk luidt om twaalf uur.",
        "Je voegt het meel langzaam toe en roert.",
        "Het kanaal tussen de eilanden is smal.",
        "Vandaag is de zaal leeg.",
        "Wij gingen op bezoek bij onze tante.",
        "De beschrijving van het schilderij is kort.",
    ],
}  # fmt: skip

MORE_CALLS = [
    "So go ahead and subscribe, it costs you nothing.",
    "Everything you need is linked in the description box.",
    "If you have a question, post it in the comments section.",
    "Smash the like button and I will see you on Friday.",
    "Sign up with your email address at the bottom of the page.",
    "Get twenty percent off with the code WINTER at checkout.",
    "Please consider a small donation to keep this project going.",
    "Our new album is out now, so pre-order it today.",
    "Try our app for free, no credit card needed.",
    "Come and visit our stand in hall seven.",
    "Be sure to check out our other videos.",
    "Follow the link on your screen to apply.",
    "Send us your photos by the end of the month.",
    "Pick up the phone and call now.",
    "Turn on notifications so you do not miss the next part.",
    "Become a patron for three dollars a month.",
    "Order by midnight and shipping is on us.",
    "Add your name to the petition on our website.",
    "Like and share if you agree.",
    "Watch the next episode right here.",
]
"""Written after the first list of phrases was made, of which it found a third; the list was then enlarged for them."""

MORE_PLAIN = [
    "The committee could not agree on a single candidate.",
    "He sent us a postcard from every town.",
    "My phone rang and it was my mother again.",
    "The app crashed twice while we were filming.",
    "Nobody in the shop knew where the key was.",
    "The link in the chain had worn thin.",
    "They watched the next train pull out of the station.",
    "I would like to say a word about the weather.",
    "The box at the bottom held old letters.",
    "Our stand against the wind was made of two poles.",
    "She turned on the radio and began to sing.",
    "A month later the snow was gone.",
    "You could book a room there without giving a name.",
    "The patron of the arts died penniless.",
    "He likes the sound of his own voice.",
    "We shared a sandwich and a bottle of water.",
    "The code on the door is four digits long.",
    "Her name was added to the list at the last minute.",
    "The order came at midnight and nobody slept.",
    "It was a page from a book about birds.",
]

LATER_CALLS = [
    "Support independent radio with a monthly gift.",
    "You can pre-order the book at your local store.",
    "Drop your thoughts in the comments.",
    "Reserve your seat at the website shown here.",
    "Please like, share and subscribe.",
    "Check the link in the first comment.",
    "Text the word garden to four four four now.",
    "Take ten percent off today with my code.",
    "To book a lesson, write to us through our website.",
    "Find us on every podcast app and leave a review.",
    "Donate what you can at the address on your screen.",
    "If you are new here, consider subscribing.",
    "Join thousands of members and learn at your own pace.",
    "Click subscribe so you see part two.",
    "Enter your email and we will send you the plan.",
    "Come join us on Sunday at the harbour.",
]
"""Written after that; the rules for verbs and what they ask about were made with them at hand."""

LATER_PLAIN = [
    "Every Sunday the members met at the harbour.",
    "The gift was small but it was wrapped well.",
    "The review of the play was three lines long.",
    "He wrote to us from prison for eleven years.",
    "Nobody could find the address on the envelope.",
    "Try to imagine a city without a single lamp.",
    "Then add the onions and turn down the heat.",
    "Get used to the cold, they told me, and I did.",
    "The garden behind our house was full of nettles.",
    "Call it luck or call it fate, we were saved.",
    "Watch how the light moves across the wall.",
    "Ten percent of the workers never came back.",
    "Her email arrived a day too late.",
    "Follow the river and you reach the sea.",
    "Check that the rope is tight before you climb.",
    "Visitors to the island share the ferry with sheep.",
    "Support for the old king was fading.",
    "Join the two halves with a little glue.",
    "We were new here and spoke to nobody.",
    "Take the second road on the left after the mill.",
]
"""Likewise; some are in the imperative, as in recipes and directions."""


@dataclass(frozen=True)
class Script:
    """A film's words, its length in seconds, and the times (seconds) in which it calls to action."""

    language: str
    words: tuple[Word, ...]
    duration_s: float
    calls: tuple[tuple[float, float], ...]


def script(language: str, seed: int, calls=None, plain=None) -> Script:
    """Return a film of some sentences: calls somewhere in the middle now and then, and mostly at the end."""
    rng = np.random.default_rng((41, seed, ord(language[0]), ord(language[1])))
    plain = PLAIN[language] if plain is None else plain
    order = [(text, False) for text in rng.permutation(plain)[:24]]
    calls = list(rng.choice(CALLS[language] if calls is None else calls, 4, replace=False))
    if rng.random() < 0.5:
        order.insert(int(rng.integers(2, len(order) - 2)), (calls.pop(), True))
    if rng.random() < 0.8:
        order += [(calls.pop(), True) for _ in range(int(rng.integers(1, 3)))]
        if rng.random() < 0.3:
            order.append((str(rng.choice(plain)), False))
    words, spans, at_s = [], [], 0.5
    for text, is_call in order:
        begun_s = at_s
        for word in str(text).split():
            lasts_s = 0.12 + 0.05 * len(word)
            words.append(Word(word, round(at_s * 1000), round((at_s + lasts_s) * 1000)))
            at_s += lasts_s + 0.05
        if is_call:
            spans.append((begun_s, at_s))
        at_s += float(rng.uniform(0.5, 1.2))
    return Script(language, tuple(words), at_s + 1.0, tuple(spans))


def scripts(seeds=range(6)) -> list[Script]:
    """Return films in all languages."""
    return [script(language, seed) for language in CALLS for seed in seeds]


def more_scripts(seeds=range(20)) -> list[Script]:
    """Return further English films."""
    return [script("en", seed, MORE_CALLS, MORE_PLAIN) for seed in seeds]


def later_scripts(seeds=range(20)) -> list[Script]:
    """Return English films of sentences that the list of phrases was not made for, but the rules were."""
    return [script("en", seed, LATER_CALLS, LATER_PLAIN) for seed in seeds]


def held_out_scripts(seeds=range(6)) -> list[Script]:
    """Return films in all languages of sentences that neither list nor rules were made with."""
    return [script(code, seed, HELD_OUT_CALLS[code], HELD_OUT_PLAIN[code]) for code in CALLS for seed in seeds]


def alone(text: str, start_ms: int = 300_000) -> tuple[Word, ...]:
    """Return a sentence's words, spoken some minutes into a film."""
    words, at_ms = [], start_ms
    for word in text.split():
        lasts_ms = 120 + 50 * len(word)
        words.append(Word(word, at_ms, at_ms + lasts_ms))
        at_ms += lasts_ms + 50
    return tuple(words)


def judged(found, truth) -> tuple[int, int, int, int]:
    """Return calls that a window touches, all calls, windows that touch a call, all windows."""

    def touches(one, other):
        return one[0] < other[1] and other[0] < one[1]

    windows = [(window.start_s, window.stop_s) for window in found]
    return (
        sum(any(touches(call, window) for window in windows) for call in truth),
        len(truth),
        sum(any(touches(window, call) for call in truth) for window in windows),
        len(windows),
    )
