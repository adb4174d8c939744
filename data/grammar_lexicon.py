"""Words of the English-German grammar corpus: only tables, which `grammar_words` parses.

Entries of a table are separated by `;` or line breaks; an underscore is a space within a word. Classes (the keys of
`NOUNS` and the `+tags`) carry the meaning: they decide which objects a verb takes, and which nouns an adjective.
"""

from __future__ import annotations

NOUNS = {
    "person": """
    m Mann Mannes Männer = man men; f Frau Frauen = woman women; m Junge Jungen Jungen = boy
    n Mädchen Mädchen = girl; n Kind Kindes Kinder = child children; m Lehrer Lehrer = teacher
    m Arzt Arztes Ärzte = doctor; f Krankenschwester Krankenschwestern = nurse
    m Nachbar Nachbarn Nachbarn = neighbour; m Student Studenten Studenten = student
    m Polizist Polizisten Polizisten = policeman policemen; m Koch Köche = cook
    f Großmutter Großmütter = grandmother; m Großvater Großväter = grandfather; m Bruder Brüder = brother
    f Schwester Schwestern = sister; f Tante Tanten = aunt; m Onkel Onkel = uncle; f Tochter Töchter = daughter
    m Sohn Sohnes Söhne = son; f Mutter Mütter = mother; m Vater Väter = father; m Bauer Bauern Bauern = farmer
    m Kellner Kellner = waiter; f Königin Königinnen = queen; m Prinz Prinzen Prinzen = prince
    m Kunde Kunden Kunden = customer; m Gast Gastes Gäste = guest; m Kollege Kollegen Kollegen = colleague
    m Freund Freundes Freunde = friend; f Sängerin Sängerinnen = singer; m Künstler Künstler = artist
    f Schauspielerin Schauspielerinnen = actress; m Direktor Direktoren = director
    m Soldat Soldaten Soldaten = soldier; m Tourist Touristen Touristen = tourist
    m Dieb Diebes Diebe = thief thieves; m Bäcker Bäcker = baker; m Gärtner Gärtner = gardener
    m Neffe Neffen Neffen = nephew; f Dame Damen = lady; f Nichte Nichten = niece
    m Mechaniker Mechaniker = mechanic; m Richter Richter = judge; f Tänzerin Tänzerinnen = dancer""",
    "animal": """
    m Hund Hundes Hunde = dog; f Katze Katzen = cat; n Pferd Pferdes Pferde = horse +mount; f Kuh Kühe = cow
    m Vogel Vögel = bird; m Esel Esel = donkey +mount; m Bär Bären Bären = bear; m Affe Affen Affen = monkey
    m Elefant Elefanten Elefanten = elephant +mount; m Löwe Löwen Löwen = lion; f Ziege Ziegen = goat
    f Maus Mäuse = mouse mice; n Kaninchen Kaninchen = rabbit; f Ente Enten = duck; n Schwein Schweine = pig
    m Fuchs Fuchses Füchse = fox; m Papagei Papageien = parrot; f Schlange Schlangen = snake
    m Wolf Wolfes Wölfe = wolf wolves""",
    "clothing": """
    m Mantel Mäntel = coat +garment; f Jacke Jacken = jacket +garment; n Hemd Hemdes Hemden = shirt +garment
    m Rock Rockes Röcke = skirt +garment; n Kleid Kleides Kleider = dress +garment; m Pullover Pullover = sweater
    f Hose Hosen = trousers trousers +garment; m Anzug Anzüge = suit +garment; f Bluse Blusen = blouse +garment
    m Handschuh Handschuhe = glove; m Schuh Schuhe = shoe; m Stiefel Stiefel = boot; f Socke Socken = sock
    f Weste Westen = waistcoat; f Uniform Uniformen = uniform +garment""",
    "headwear": """
    m Hut Hutes Hüte = hat; f Mütze Mützen = cap; m Helm Helme = helmet; f Krone Kronen = crown
    f Perücke Perücken = wig; f Maske Masken = mask; f Sonnenbrille Sonnenbrillen = sunglasses sunglasses""",
    "device": """
    f Lampe Lampen = lamp +lamp; m Fernseher Fernseher = television; n Radio Radios = radio
    m Computer Computer = computer; f Heizung Heizungen = heater; m Ofen Öfen = oven; f Maschine Maschinen = machine
    m Motor Motoren = engine; m Drucker Drucker = printer; f Waschmaschine Waschmaschinen = washing_machine
    m Staubsauger Staubsauger = vacuum_cleaner; f Kamera Kameras = camera; m Ventilator Ventilatoren = fan
    m Wecker Wecker = alarm_clock""",
    "bag": """
    f Tasche Taschen = bag; m Koffer Koffer = suitcase; m Rucksack Rucksäcke = backpack
    m Korb Korbes Körbe = basket; f Kiste Kisten = crate; f Schachtel Schachteln = box""",
    "vessel": """
    m Eimer Eimer = bucket; f Flasche Flaschen = bottle; f Tasse Tassen = cup +dish
    f Schüssel Schüsseln = bowl +dish; f Kanne Kannen = jug +dish; m Topf Topfes Töpfe = pot +dish""",
    "document": """
    n Buch Buches Bücher = book +text; f Zeitung Zeitungen = newspaper +text
    m Bericht Berichte = report +text +paper; n Formular Formulare = form +form +paper
    f Rechnung Rechnungen = invoice +paper; m Vertrag Verträge = contract +paper; n Heft Heftes Hefte = notebook
    f Zeitschrift Zeitschriften = magazine +text; f Postkarte Postkarten = postcard +post
    m Aufsatz Aufsatzes Aufsätze = essay +text +paper; f Landkarte Landkarten = map
    m Fragebogen Fragebögen = questionnaire +form +paper; n Paket Pakete = parcel +post
    n Rezept Rezepte = recipe +text; f Liste Listen = list +text +paper""",
    "tool": """
    m Hammer Hämmer = hammer; n Messer Messer = knife knives +blade; f Schere Scheren = scissors scissors +blade
    n Seil Seile = rope; f Zange Zangen = pliers pliers; m Schraubenzieher Schraubenzieher = screwdriver
    f Schaufel Schaufeln = shovel; f Bürste Bürsten = brush; m Besen Besen = broom; m Ball Bälle = ball
    m Regenschirm Regenschirme = umbrella; f Puppe Puppen = doll; f Axt Äxte = axe +blade""",
    "textile": """
    f Decke Decken = blanket; n Kissen Kissen = pillow; n Handtuch Handtücher = towel +garment
    m Teppich Teppiche = carpet; f Matratze Matratzen = mattress""",
    "furniture": """
    m Tisch Tisches Tische = table +top; m Stuhl Stühle = chair +seat +top; n Sofa Sofas = sofa +seat +top
    m Schrank Schränke = cupboard +store; n Regal Regale = bookcase; n Bett Bettes Betten = bed +seat +top
    m Sessel Sessel = armchair +seat +top; m Schreibtisch Schreibtische = desk +top; f Truhe Truhen = trunk +store
    m Hocker Hocker = stool +seat +top""",
    "food": """
    m Kuchen Kuchen = cake +baked; m Apfel Äpfel = apple; f Birne Birnen = pear
    n Brötchen Brötchen = bread_roll +baked; n Ei Eies Eier = egg; f Kartoffel Kartoffeln = potato potatoes
    f Tomate Tomaten = tomato tomatoes; f Wurst Würste = sausage; f Pizza Pizzas = pizza +dish_of
    m Pfannkuchen Pfannkuchen = pancake +dish_of; f Banane Bananen = banana; m Keks Kekses Kekse = biscuit +baked
    f Möhre Möhren = carrot; m Pilz Pilzes Pilze = mushroom; f Torte Torten = tart +baked""",
    "meal": """
    f Suppe Suppen = soup +dish_of; m Eintopf Eintöpfe = stew +dish_of""",
    "room": """
    n Zimmer Zimmer = room; f Küche Küchen = kitchen; n Büro Büros = office; f Garage Garagen = garage
    m Keller Keller = cellar; n Badezimmer Badezimmer = bathroom; f Halle Hallen = hall
    n Schlafzimmer Schlafzimmer = bedroom; n Klassenzimmer Klassenzimmer = classroom
    f Werkstatt Werkstätten = workshop +business""",
    "place": """
    m Garten Gärten = garden; m Park Parks = park; f Stadt Städte = city; n Dorf Dorfes Dörfer = village
    m Wald Waldes Wälder = forest; f Kirche Kirchen = church +building; n Museum Museen = museum +building +business
    f Schule Schulen = school +building +business; m Laden Läden = shop +building +business
    n Restaurant Restaurants = restaurant +building +business; n Hotel Hotels = hotel +building +business
    f Bibliothek Bibliotheken = library +building +business; n Schloss Schlosses Schlösser = castle +building
    n Theater Theater = theatre +building +business; f Scheune Scheunen = barn +building
    f Fabrik Fabriken = factory +building +business; n Haus Hauses Häuser = house +building
    n Tal Tales Täler = valley""",
    "vehicle": """
    n Auto Autos = car; n Fahrrad Fahrräder = bicycle +cycle; n Motorrad Motorräder = motorcycle +cycle
    m Lastwagen Lastwagen = truck; n Boot Bootes Boote = boat; m Traktor Traktoren = tractor""",
    "transport": """
    m Bus Busses Busse = bus buses; m Zug Zuges Züge = train; f Straßenbahn Straßenbahnen = tram
    n Schiff Schiffes Schiffe = ship; f Fähre Fähren = ferry""",
    "plan": """
    m Plan Pläne = plan +doable; n Projekt Projekte = project +doable +duty; m Traum Träume = dream
    f Idee Ideen = idea +said; m Vorschlag Vorschläge = proposal +said +offer +doable""",
    "event": """
    f Prüfung Prüfungen = exam +test; f Reise Reisen = trip; n Treffen Treffen = meeting
    n Konzert Konzerte = concert; f Hochzeit Hochzeiten = wedding; n Fest Festes Feste = party""",
    "speech": """
    f Frage Fragen = question +said +test +query; f Aufgabe Aufgaben = task +test +doable +duty
    f Geschichte Geschichten = story +text +said; n Gedicht Gedichte = poem +text +said
    n Lied Liedes Lieder = song +sound; n Angebot Angebote = offer +offer
    f Einladung Einladungen = invitation +offer; f Melodie Melodien = melody +sound""",
}
"""Class -> `gender singular [genitive] plural = english [english plural] [+tag]`; without a genitive it ends in -s.

A masculine whose genitive equals its plural is weak. If the English plural equals the singular, German is singular."""

HOMOGRAPHS = """
    f Fledermaus Fledermäuse = bat / wild; m Schläger Schläger = bat / wooden; f Bank Banken = bank / firm
    n Ufer Ufer = bank / shore; m Brief Briefes Briefe = letter / mail
    m Buchstabe Buchstabens Buchstaben = letter / script; f Brille Brillen = glasses glasses / spectacles
    n ! Gläser = glass glasses / filled; n Spiel Spiele = match matches / contest
    n Streichholz Streichholzes Streichhölzer = match matches / flame; m Kran Kräne = crane / heavy
    m Kranich Kraniche = crane / bird; f Robbe Robben = seal / sea; n Siegel Siegel = seal / stamp
    f Datei Dateien = file / data; f Feile Feilen = file / metal; f Pfeife Pfeifen = pipe / smoke
    n Rohr Rohres Rohre = pipe / plumbing; f Nuss Nüsse = nut / edible
    f Schraubenmutter Schraubenmuttern = nut / metal; f Dattel Datteln = date / edible
    m Termin Termine = date / calendar; m Schlüssel Schlüssel = key / metal; f Taste Tasten = key / keyboard
    m Bogen Bögen = bow / wooden; f Schleife Schleifen = bow / ribbon; m Redner Redner = speaker +person / talker
    m Lautsprecher Lautsprecher = speaker / electric; m Maulwurf Maulwürfe = mole / wild
    n Muttermal Muttermale = mole / skin; n Gericht Gerichte = court / law; m Platz Platzes Plätze = court / sport
    f Rechnung Rechnungen = bill / money; m Schnabel Schnäbel = bill / beak; m Panzer Panzer = tank / army
    m Behälter Behälter = tank / plumbing"""
"""Two nouns share an English word; a predicate of the group after the slash decides the sense; `!`: no singular."""

PREDICATES = """
    wild be hungry > hungrig; wild sleep/slept in_a_cave > in_einer_Höhle; wild eat/ate insects > Insekten
    wild have/had sharp_teeth > scharfe_Zähne; bird be hungry > hungrig; bird lay/laid eggs > Eier
    bird have/had a_nest > ein_Nest; sea swim/swam in_the_icy_water > im_eisigen_Wasser; sea eat/ate fish > Fisch
    sea dive for_crabs > nach_Krebsen; wooden be made_of_wood > aus_Holz
    wooden break/broke into_two_pieces > in_zwei_Teile; wooden be carved_by_hand > von_Hand_geschnitzt
    firm close at_noon > am_Mittag; firm be bankrupt > bankrott; firm have/had many_branches > viele_Filialen
    shore be muddy > schlammig; shore be covered_with_grass > mit_Gras_bewachsen
    shore be under_water > unter_Wasser; mail lie/lay in_the_mailbox > im_Briefkasten
    mail have/had four_pages > vier_Seiten; mail come/came by_post > mit_der_Post
    script be printed_in_bold > fett_gedruckt; script stand/stood at_the_end_of_the_word > am_Ende_des_Wortes
    script be capitalised > großgeschrieben; spectacles have/had thick_lenses > dicke_Gläser
    spectacles sit/sat on_the_nose > auf_der_Nase; spectacles have/had scratched_lenses > zerkratzte_Gläser
    filled be full_of_wine > voller_Wein; filled be half_empty > halb_leer
    filled stand/stood in_the_dishwasher > in_der_Spülmaschine; contest last two_hours > zwei_Stunden
    contest begin/began in_the_afternoon > am_Nachmittag; contest be sold_out > ausverkauft
    flame burn/burnt for_a_few_seconds > einige_Sekunden_lang
    flame lie/lay in_the_matchbox > in_der_Streichholzschachtel; flame be damp > feucht
    heavy stand/stood on_the_building_site > auf_der_Baustelle; heavy be forty_metres_high > vierzig_Meter_hoch
    heavy have/had a_steel_hook > einen_Haken_aus_Stahl; stamp be made_of_wax > aus_Wachs
    stamp be on_the_envelope > auf_dem_Umschlag; stamp be forged > gefälscht; data be full_of_viruses > voller_Viren
    data be on_the_server > auf_dem_Server (lie); data have/had ten_megabytes > zehn_Megabyte
    metal be rusty > verrostet; metal be made_of_steel > aus_Stahl; metal lie/lay in_the_toolbox > im_Werkzeugkasten
    smoke smell/smelt of_tobacco > nach_Tabak; smoke be full_of_tobacco > voller_Tabak
    smoke belong to_the_smoker > dem_Raucher; plumbing leak >; plumbing be under_the_floor > unter_dem_Boden
    plumbing be full_of_water > voller_Wasser; edible taste good > gut; edible be ripe > reif
    edible grow/grew on_the_tree > am_Baum; calendar be in_the_calendar > im_Kalender (stand)
    calendar be on_Monday > am_Montag; calendar be cancelled > abgesagt
    keyboard be on_the_keyboard > auf_der_Tastatur; keyboard jam/jammed >; keyboard have/had a_symbol > ein_Symbol
    ribbon be in_her_hair > in_ihrem_Haar; ribbon be made_of_silk > aus_Seide
    ribbon decorate the_gift > das_Geschenk; talker be hoarse > heiser; talker cough >
    talker speak/spoke too_fast > zu_schnell; electric have/had a_long_cable > ein_langes_Kabel; electric crackle >
    electric be connected_to_the_computer > mit_dem_Computer_verbunden; skin be on_the_cheek > auf_der_Wange
    skin itch >; law judge fairly > gerecht; law be convinced > überzeugt; law hear/heard the_witnesses > die_Zeugen
    sport be covered_with_sand > mit_Sand_bedeckt; sport be marked_with_white_lines > mit_weißen_Linien_markiert
    sport have/had a_net > ein_Netz; money be paid > bezahlt; money be overdue > überfällig
    money lie/lay in_the_drawer > in_der_Schublade; beak be pointed > spitz; beak be crooked > krumm
    beak belong to_the_duck > der_Ente; army fire at_the_enemy > auf_den_Feind; army be armoured > gepanzert
    army have/had a_cannon > eine_Kanone"""
"""`group english verb forms complement > german complement [(verb)]`; the German verb is in `PREDICATE_VERBS`."""

PREDICATE_VERBS = """
    be: sein ist war gewesen sein; sleep: schlafen schläft schlief geschlafen; eat: fressen frisst fraß gefressen
    have: haben hat hatte gehabt; belong: gehören gehört gehörte gehört
    close: schließen schließt schloss geschlossen; lie: liegen liegt lag gelegen
    come: kommen kommt kam gekommen sein; stand: stehen steht stand gestanden; sit: sitzen sitzt saß gesessen
    last: dauern dauert dauerte gedauert; begin: beginnen beginnt begann begonnen
    burn: brennen brennt brannte gebrannt; smell: riechen riecht roch gerochen; leak: lecken leckt leckte geleckt
    taste: schmecken schmeckt schmeckte geschmeckt; grow: wachsen wächst wuchs gewachsen sein
    jam: klemmen klemmt klemmte geklemmt; decorate: schmücken schmückt schmückte geschmückt
    cough: husten hustet hustete gehustet; speak: sprechen spricht sprach gesprochen
    crackle: knistern knistert knisterte geknistert; itch: jucken juckt juckte gejuckt
    judge: urteilen urteilt urteilte geurteilt; hear: an- hören hört hörte gehört
    fire: schießen schießt schoss geschossen; lay: legen legt legte gelegt
    swim: schwimmen schwimmt schwamm geschwommen sein; dive: tauchen taucht tauchte getaucht
    break: zerbrechen zerbricht zerbrach zerbrochen sein"""

PARTICLE_VERBS = """
    put/put on | clothing | an- ziehen zieht zog gezogen; put/put on | headwear | auf- setzen setzt setzte gesetzt
    put/put away | tool document clothing textile | weg- räumen räumt räumte geräumt
    put/put down | bag vessel | ab- stellen stellt stellte gestellt
    put/put down | tool document | hin- legen legt legte gelegt
    put/put back | document tool headwear | zurück- legen legt legte gelegt
    put/put back | vessel bag | zurück- stellen stellt stellte gestellt
    put/put off | event | verschieben verschiebt verschob verschoben
    put/put together | furniture | zusammen- bauen baut baute gebaut
    turn on | device | ein- schalten schaltet schaltete geschaltet
    turn off | device | aus- schalten schaltet schaltete geschaltet
    turn down | offer | ab- lehnen lehnt lehnte gelehnt
    turn over | document textile | um- drehen dreht drehte gedreht
    take/took/taken off | clothing | aus- ziehen zieht zog gezogen
    take/took/taken off | headwear | ab- nehmen nimmt nahm genommen
    take/took/taken along | bag tool document animal clothing | mit- nehmen nimmt nahm genommen
    take/took/taken back | document bag tool clothing device | zurück- bringen bringt brachte gebracht
    take/took/taken apart | device furniture vehicle | auseinander- nehmen nimmt nahm genommen
    take/took/taken over | business duty | übernehmen übernimmt übernahm übernommen
    give/gave/given back | document tool bag clothing headwear vehicle | zurück- geben gibt gab gegeben
    give/gave/given up | plan | auf- geben gibt gab gegeben
    give/gave/given away | clothing headwear tool furniture animal | verschenken verschenkt verschenkte verschenkt
    bring/brought along | food tool document animal | mit- bringen bringt brachte gebracht
    bring/brought in | furniture vessel bag | herein- bringen bringt brachte gebracht
    throw/threw/thrown away | tool document food meal clothing textile | weg- werfen wirft warf geworfen
    throw/threw/thrown down | bag tool textile | hinunter- werfen wirft warf geworfen
    cut/cut up | food textile | zerschneiden zerschneidet zerschnitt zerschnitten
    hang/hung up | garment | auf- hängen hängt hängte gehängt; look over | document | durch- sehen sieht sah gesehen
    call off | event | ab- sagen sagt sagte gesagt; call up | person | an- rufen ruft rief gerufen
    call back | person | zurück- rufen ruft rief gerufen
    pick up | tool document clothing | auf- heben hebt hob gehoben; pick up | person | ab- holen holt holte geholt
    pick out | furniture headwear | aus- suchen sucht suchte gesucht
    send/sent off | post paper | ab- schicken schickt schickte geschickt
    send/sent back | clothing document device | zurück- schicken schickt schickte geschickt
    send/sent away | person | weg- schicken schickt schickte geschickt
    write/wrote/written down | said | auf- schreiben schreibt schrieb geschrieben
    fill in | form | aus- füllen füllt füllte gefüllt; fill up | vessel | auf- füllen füllt füllte gefüllt
    hand in | paper | ein- reichen reicht reichte gereicht; hand out | paper | aus- teilen teilt teilte geteilt
    read/read through | text | durch- lesen liest las gelesen; read/read out | text | vor- lesen liest las gelesen
    eat/ate/eaten up | food meal | auf- essen isst aß gegessen; heat up | dish_of | auf- wärmen wärmt wärmte gewärmt
    clean up | room | auf- räumen räumt räumte geräumt
    tear/tore/torn up | document | zerreißen zerreißt zerriss zerrissen
    tear/tore/torn down | building | ab- reißen reißt riss gerissen
    try on | clothing headwear | an- probieren probiert probierte probiert
    try out | device tool vehicle | aus- probieren probiert probierte probiert
    set/set up | furniture device | auf- stellen stellt stellte gestellt
    carry away | furniture bag vessel | weg- tragen trägt trug getragen
    carry in | furniture bag device | hinein- tragen trägt trug getragen
    carry out | doable | aus- führen führt führte geführt
    push away | furniture vehicle | weg- schieben schiebt schob geschoben
    let/let in | animal person | herein- lassen lässt ließ gelassen
    let/let out | animal person | hinaus- lassen lässt ließ gelassen
    let/let down | person | enttäuschen enttäuscht enttäuschte enttäuscht
    wake/woke/woken up | person animal | auf- wecken weckt weckte geweckt
    wash up | dish | ab- waschen wäscht wusch gewaschen
    lock up | room building | ab- schließen schließt schloss geschlossen
    lock in | animal person | ein- sperren sperrt sperrte gesperrt
    drive/drove/driven away | animal | vertreiben vertreibt vertrieb vertrieben
    show/showed/shown around | person | herum- führen führt führte geführt
    hold/held up | bag document tool | hoch- halten hält hielt gehalten
    hold/held up | person | auf- halten hält hielt gehalten
    think/thought over | plan said | überdenken überdenkt überdachte überdacht"""
"""`base[/past[/participle]] particle | classes of the object | [prefix-] infinitive 3rd-singular preterite participle`.

An English verb without a past is regular; a participle without its prefix gets it."""

TRANSITIVE_VERBS = """
    see/saw/seen | any | sehen sieht sah gesehen; find/found | any | finden findet fand gefunden
    look ~for | any | suchen sucht suchte gesucht; describe | any | beschreiben beschreibt beschrieb beschrieben
    notice | any | bemerken bemerkt bemerkte bemerkt
    photograph | any | fotografieren fotografiert fotografierte fotografiert
    forget/forgot/forgotten | any | vergessen vergisst vergaß vergessen
    need | any | brauchen braucht brauchte gebraucht
    buy/bought | clothing headwear device bag tool furniture vehicle | kaufen kauft kaufte gekauft
    sell/sold | clothing headwear device furniture vehicle animal building | verkaufen verkauft verkaufte verkauft
    steal/stole/stolen | headwear bag vehicle document | stehlen stiehlt stahl gestohlen
    repair | device vehicle furniture | reparieren repariert reparierte repariert
    know/knew/known | person place sound | kennen kennt kannte gekannt
    love | person animal | lieben liebt liebte geliebt; meet/met | person | treffen trifft traf getroffen
    invite | person | ein- laden lädt lud geladen; visit | person place | besuchen besucht besuchte besucht
    greet | person | begrüßen begrüßt begrüßte begrüßt
    understand/understood | said person | verstehen versteht verstand verstanden
    hide/hid/hidden | bag tool document | verstecken versteckt versteckte versteckt
    bake | baked | backen backt backte gebacken; feed/fed | animal | füttern füttert fütterte gefüttert
    ride/rode/ridden | mount | reiten reitet ritt geritten
    ride/rode/ridden | cycle | fahren fährt fuhr gefahren
    miss | transport event | verpassen verpasst verpasste verpasst
    miss | person animal | vermissen vermisst vermisste vermisst
    serve | dish_of | servieren serviert servierte serviert; serve | person | bedienen bedient bediente bedient
    run/ran/run | business | leiten leitet leitete geleitet
    leave/left | building | verlassen verlässt verließ verlassen; catch/caught | animal | fangen fängt fing gefangen
    catch/caught | transport | erreichen erreicht erreichte erreicht
    answer | query | beantworten beantwortet beantwortete beantwortet
    carry | bag vessel furniture | tragen trägt trug getragen
    paint | room furniture | streichen streicht strich gestrichen; paint | person animal | malen malt malte gemalt
    sing/sang/sung | sound | singen singt sang gesungen; practise | sound | üben übt übte geübt
    accept | offer | an- nehmen nimmt nahm genommen
    sign | form | unterschreiben unterschreibt unterschrieb unterschrieben
    empty | bag vessel | leeren leert leerte geleert
    admire | person place | bewundern bewundert bewunderte bewundert
    help | dat person | helfen hilft half geholfen; thank | dat person | danken dankt dankte gedankt
    follow | dat person animal | folgen folgt folgte gefolgt sein
    trust | dat person | vertrauen vertraut vertraute vertraut
    congratulate | dat person | gratulieren gratuliert gratulierte gratuliert
    answer | dat person | antworten antwortet antwortete geantwortet
    forgive/forgave/forgiven | dat person | verzeihen verzeiht verzieh verziehen
    listen ~to | dat person | zu- hören hört hörte gehört; believe | dat person | glauben glaubt glaubte geglaubt
    obey | dat person | gehorchen gehorcht gehorchte gehorcht"""
"""As above; `~for` precedes the object; `dat`: the object is in the dative; a final `sein` is the auxiliary."""

PLACING_VERBS = """
    put/put | document tool garment headwear textile | legen legt legte gelegt
    put/put | vessel bag device | stellen stellt stellte gestellt
    throw/threw/thrown | clothing textile tool | werfen wirft warf geworfen
    push | bag device | schieben schiebt schob geschoben"""
GIVING_VERBS = """
    give/gave/given back | document tool bag clothing vehicle | zurück- geben gibt gab gegeben
    give/gave/given | document tool bag food animal | geben gibt gab gegeben
    show/showed/shown | any | zeigen zeigt zeigte gezeigt
    sell/sold | clothing device furniture vehicle animal | verkaufen verkauft verkaufte verkauft
    read/read out | text | vor- lesen liest las gelesen
    lend/lent | tool bag vehicle document | leihen leiht lieh geliehen
    send/sent back | document clothing device | zurück- schicken schickt schickte geschickt
    explain | said plan | erklären erklärt erklärte erklärt
    bring/brought | food vessel textile | bringen bringt brachte gebracht"""
INTRANSITIVE_VERBS = """
    sleep/slept | | schlafen schläft schlief geschlafen; work | | arbeiten arbeitet arbeitete gearbeitet
    laugh | | lachen lacht lachte gelacht; cry | | weinen weint weinte geweint
    dance | | tanzen tanzt tanzte getanzt; wait | | warten wartet wartete gewartet
    smoke | | rauchen raucht rauchte geraucht; get/got up | | auf- stehen steht stand gestanden sein
    come/came/come back | | zurück- kommen kommt kam gekommen sein
    fall/fell/fallen asleep | | ein- schlafen schläft schlief geschlafen sein
    wake/woke/woken up | | auf- wachen wacht wachte gewacht sein; give/gave/given up | | auf- geben gibt gab gegeben
    go/went/gone away | | weg- gehen geht ging gegangen sein
    run/ran/run away | | weg- laufen läuft lief gelaufen sein"""
SENTENCE_VERBS = """
    know/knew/known | that whether | wissen weiß wusste gewusst; believe | that | glauben glaubt glaubte geglaubt
    say/said | that | sagen sagt sagte gesagt; hope | that | hoffen hofft hoffte gehofft
    see/saw/seen | that | sehen sieht sah gesehen; hear/heard | that | hören hört hörte gehört
    think/thought | that | denken denkt dachte gedacht
    forget/forgot/forgotten | that | vergessen vergisst vergaß vergessen
    ask | whether | fragen fragt fragte gefragt; claim | that | behaupten behauptet behauptete behauptet"""
FEELING_VERBS = """
    surprise | person | überraschen überrascht überraschte überrascht
    annoy | person | ärgern ärgert ärgerte geärgert; worry | person | beunruhigen beunruhigt beunruhigte beunruhigt
    bother | person | stören stört störte gestört"""
"""Verbs with a clause as subject: that he sleeps annoys her."""

ADJECTIVES = """
    1 big groß: animal bag device tool furniture room place vehicle vessel transport homograph
    1 small klein: animal bag device tool furniture room place vehicle vessel food homograph
    1 beautiful schön: clothing headwear furniture room place animal sound homograph
    1 ugly hässlich: clothing headwear furniture vehicle animal homograph
    1 expensive teuer/teur: clothing headwear device bag furniture vehicle
    1 cheap billig: clothing headwear device bag furniture; 1 heavy schwer: bag tool furniture device vessel
    1 strange seltsam: homograph person document plan speech animal tool; 1 light leicht: bag clothing tool textile
    1 light hell: room; 1 bright hell: lamp room; 1 bright klug: person; 1 smart klug: person
    1 smart schick: clothing headwear; 1 hard schwierig: test plan; 1 hard hart: baked seat
    1 soft weich: textile seat; 1 soft leise/leis: sound; 1 dull stumpf: blade; 1 dull langweilig: text event
    1 short klein: person; 1 short kurz: text garment; 1 poor arm: person animal; 1 poor schlecht: said plan
    1 fine fein: textile clothing; 1 quiet ruhig: person place room; 1 quiet leise/leis: device sound
    1 important wichtig: document plan event offer; 1 famous berühmt: person building
    1 dangerous gefährlich: animal blade; 1 practical praktisch: tool bag device furniture
    1 friendly freundlich: person; 1 rich reich: person; 1 lazy faul: person animal; 1 brave mutig: person
    1 patient geduldig: person; 1 sad traurig: person sound; 1 tired müde/müd: person animal; 1 sweet süß: baked
    1 wild wild: animal; 1 elegant elegant: clothing headwear furniture; 1 comfortable bequem: seat clothing
    1 empty leer: bag vessel room; 1 hot heiß: meal
    2 old alt: person animal clothing headwear device bag document tool furniture building vehicle transport homograph
    2 young jung: person animal
    2 new neu: clothing headwear device bag document tool furniture building vehicle transport plan offer sound
    2 used gebraucht: clothing device furniture vehicle; 2 clean sauber: clothing vessel room textile
    2 dirty schmutzig: clothing vessel room textile tool; 2 wet nass: clothing textile tool
    2 dark dunkel/dunkl: room place; 2 modern modern: device building furniture; 2 broken kaputt: device vehicle
    3 red rot: clothing headwear bag vehicle textile furniture
    3 blue blau: clothing headwear bag vehicle textile vessel; 3 green grün: clothing headwear bag vehicle textile
    3 yellow gelb: clothing headwear bag vessel; 3 white weiß: clothing headwear device animal textile furniture
    3 black schwarz: clothing headwear device bag animal vehicle; 3 brown braun: clothing bag furniture
    3 grey grau: clothing headwear bag textile; 2 fresh frisch: food meal; 1 long lang: text event
    1 secret geheim: document plan; 1 useful nützlich: tool document plan
    1 interesting interessant: text speech place building"""
"""`rank english german[/attributive stem]: classes`: two adjectives may follow each other if their ranks rise."""

TIMES = {
    "present": "today > heute; every day > jeden Tag; on Sundays > sonntags; at the moment > im Moment",
    "past": """
    yesterday > gestern; last week > letzte Woche; two days ago > vor zwei Tagen; last year > letztes Jahr
    yesterday evening > gestern Abend; on Friday > am Freitag""",
    "future": "tomorrow > morgen; next week > nächste Woche; soon > bald; on Saturday > am Samstag",
}
FREQUENCIES = "often > oft; always > immer; sometimes > manchmal; usually > normalerweise"
MANNERS = "carefully > vorsichtig; quickly > schnell; slowly > langsam; secretly > heimlich; immediately > sofort"
CIRCUMSTANCES = """
    because of the rain > wegen des Regens; despite the cold > trotz der Kälte; during the break > während der Pause
    after lunch > nach dem Mittagessen; before the lesson > vor dem Unterricht"""
CONJUNCTIONS = "because > weil; although > obwohl; before > bevor; while > während; if > wenn"
PLACES = {"room": "in > in", "place": "in > in", "building": "behind > hinter; in front of > vor"}
"""Prepositions of places; all take the dative here."""
DIRECTIONS = {"furniture": "under > unter; behind > hinter; next to > neben", "top": "on > auf", "store": "into > in"}
"""Prepositions of directions; all take the accusative."""
THINGS = "animal clothing headwear device bag vessel document tool textile furniture vehicle homograph"
"""Classes whose nouns are also in the class `any`: what can be seen, found or described."""
