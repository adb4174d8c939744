"""Words of the English-German grammar corpus: tables only, read by `data.grammar`.

Entries of a table are separated by `;` or by lines. An underscore stands for a space inside one word. Classes (the keys of
`NOUNS`) and tags (`+tag`) carry the meaning: verbs choose their objects and adjectives their nouns by them.
"""

from __future__ import annotations

NOUNS = {
    "person": """
    m Mann Mannes Männer = man men he; f Frau Frauen = woman women she; m Junge Jungen Jungen = boy he
    n Mädchen Mädchens Mädchen = girl; n Kind Kindes Kinder = child children; m Lehrer Lehrers Lehrer = teacher he
    m Arzt Arztes Ärzte = doctor he; f Krankenschwester Krankenschwestern = nurse she
    m Nachbar Nachbarn Nachbarn = neighbour he; m Student Studenten Studenten = student he
    m Polizist Polizisten Polizisten = policeman policemen he; m Koch Kochs Köche = cook he
    f Großmutter Großmütter = grandmother she; m Großvater Großvaters Großväter = grandfather he
    m Bruder Bruders Brüder = brother he; f Schwester Schwestern = sister she; f Tante Tanten = aunt she
    m Onkel Onkels Onkel = uncle he; f Tochter Töchter = daughter she; m Sohn Sohnes Söhne = son he
    f Mutter Mütter = mother she; m Vater Vaters Väter = father he; m Bauer Bauern Bauern = farmer he
    m Kellner Kellners Kellner = waiter he; f Königin Königinnen = queen she; m Prinz Prinzen Prinzen = prince he
    m Kunde Kunden Kunden = customer he; m Gast Gastes Gäste = guest he; m Kollege Kollegen Kollegen = colleague he
    m Freund Freundes Freunde = friend he; f Sängerin Sängerinnen = singer she
    m Künstler Künstlers Künstler = artist he; f Schauspielerin Schauspielerinnen = actress she
    m Direktor Direktors Direktoren = director he; m Soldat Soldaten Soldaten = soldier he
    m Tourist Touristen Touristen = tourist he; m Dieb Diebes Diebe = thief thieves he
    m Bäcker Bäckers Bäcker = baker he; m Gärtner Gärtners Gärtner = gardener he; m Neffe Neffen Neffen = nephew he
    f Dame Damen = lady she; f Nichte Nichten = niece she; m Mechaniker Mechanikers Mechaniker = mechanic he
    m Richter Richters Richter = judge he; f Tänzerin Tänzerinnen = dancer she""",
    "animal": """
    m Hund Hundes Hunde = dog it; f Katze Katzen = cat it; n Pferd Pferdes Pferde = horse it +mount
    f Kuh Kühe = cow it; m Vogel Vogels Vögel = bird it; m Esel Esels Esel = donkey it +mount
    m Bär Bären Bären = bear it; m Affe Affen Affen = monkey it; m Elefant Elefanten Elefanten = elephant it +mount
    m Löwe Löwen Löwen = lion it; f Ziege Ziegen = goat it; f Maus Mäuse = mouse mice it
    n Kaninchen Kaninchens Kaninchen = rabbit it; f Ente Enten = duck it; n Schwein Schweins Schweine = pig it
    m Fuchs Fuchses Füchse = fox it; m Papagei Papageis Papageien = parrot it; f Schlange Schlangen = snake it
    m Wolf Wolfes Wölfe = wolf wolves it""",
    "clothing": """
    m Mantel Mantels Mäntel = coat it; f Jacke Jacken = jacket it; n Hemd Hemdes Hemden = shirt it
    m Rock Rockes Röcke = skirt it; n Kleid Kleides Kleider = dress it; m Pullover Pullovers Pullover = sweater it
    f Hose Hosen = trousers trousers it; m Anzug Anzugs Anzüge = suit it; f Bluse Blusen = blouse it
    m Handschuh Handschuhs Handschuhe = glove it; m Schuh Schuhs Schuhe = shoe it
    m Stiefel Stiefels Stiefel = boot it; f Socke Socken = sock it; f Weste Westen = waistcoat it
    f Uniform Uniformen = uniform it""",
    "headwear": """
    m Hut Hutes Hüte = hat it; f Mütze Mützen = cap it; m Helm Helms Helme = helmet it; f Krone Kronen = crown it
    f Perücke Perücken = wig it; f Maske Masken = mask it; f Sonnenbrille Sonnenbrillen = sunglasses sunglasses it""",
    "device": """
    f Lampe Lampen = lamp it +lamp; m Fernseher Fernsehers Fernseher = television it
    n Radio Radios Radios = radio it; m Computer Computers Computer = computer it; f Heizung Heizungen = heater it
    m Ofen Ofens Öfen = oven it; f Maschine Maschinen = machine it; m Motor Motors Motoren = engine it
    m Drucker Druckers Drucker = printer it; f Waschmaschine Waschmaschinen = washing_machine it
    m Staubsauger Staubsaugers Staubsauger = vacuum_cleaner it; f Kamera Kameras = camera it
    m Ventilator Ventilators Ventilatoren = fan it; m Wecker Weckers Wecker = alarm_clock it""",
    "bag": """
    f Tasche Taschen = bag it; m Koffer Koffers Koffer = suitcase it; m Rucksack Rucksacks Rucksäcke = backpack it
    m Korb Korbes Körbe = basket it; f Kiste Kisten = crate it; f Schachtel Schachteln = box it""",
    "vessel": """
    m Eimer Eimers Eimer = bucket it; f Flasche Flaschen = bottle it; f Tasse Tassen = cup it +dish
    f Schüssel Schüsseln = bowl it +dish; f Kanne Kannen = jug it +dish; m Topf Topfes Töpfe = pot it +dish""",
    "document": """
    n Buch Buches Bücher = book it +text; f Zeitung Zeitungen = newspaper it +text
    m Bericht Berichts Berichte = report it +text; n Formular Formulars Formulare = form it +form
    f Rechnung Rechnungen = invoice it; m Vertrag Vertrags Verträge = contract it; n Heft Heftes Hefte = notebook it
    f Zeitschrift Zeitschriften = magazine it +text; f Postkarte Postkarten = postcard it +post
    m Aufsatz Aufsatzes Aufsätze = essay it +text; f Landkarte Landkarten = map it
    m Fragebogen Fragebogens Fragebögen = questionnaire it +form; n Paket Pakets Pakete = parcel it +post
    n Rezept Rezepts Rezepte = recipe it +text; f Liste Listen = list it +text""",
    "tool": """
    m Hammer Hammers Hämmer = hammer it; n Messer Messers Messer = knife knives it +blade
    f Schere Scheren = scissors scissors it +blade; n Seil Seils Seile = rope it; f Zange Zangen = pliers pliers it
    m Schraubenzieher Schraubenziehers Schraubenzieher = screwdriver it; f Schaufel Schaufeln = shovel it
    f Bürste Bürsten = brush it; m Besen Besens Besen = broom it; m Ball Balls Bälle = ball it
    m Regenschirm Regenschirms Regenschirme = umbrella it; f Puppe Puppen = doll it; f Axt Äxte = axe it +blade""",
    "textile": """
    f Decke Decken = blanket it; n Kissen Kissens Kissen = pillow it; n Handtuch Handtuchs Handtücher = towel it
    m Teppich Teppichs Teppiche = carpet it; f Matratze Matratzen = mattress it""",
    "furniture": """
    m Tisch Tisches Tische = table it; m Stuhl Stuhls Stühle = chair it +seat; n Sofa Sofas Sofas = sofa it +seat
    m Schrank Schranks Schränke = cupboard it +store; n Regal Regals Regale = bookcase it
    n Bett Bettes Betten = bed it +seat; m Sessel Sessels Sessel = armchair it +seat
    m Schreibtisch Schreibtischs Schreibtische = desk it; f Truhe Truhen = trunk it +store
    m Hocker Hockers Hocker = stool it +seat""",
    "food": """
    m Kuchen Kuchens Kuchen = cake it +baked; m Apfel Apfels Äpfel = apple it; f Birne Birnen = pear it
    n Brötchen Brötchens Brötchen = bread_roll it +baked; n Ei Eies Eier = egg it
    f Kartoffel Kartoffeln = potato potatoes it; f Suppe Suppen = soup it +dish_of
    f Tomate Tomaten = tomato tomatoes it; f Wurst Würste = sausage it; f Pizza Pizzas = pizza it +dish_of
    m Pfannkuchen Pfannkuchens Pfannkuchen = pancake it +dish_of; f Banane Bananen = banana it
    m Keks Kekses Kekse = biscuit it +baked; f Möhre Möhren = carrot it; m Pilz Pilzes Pilze = mushroom it
    f Torte Torten = tart it +baked""",
    "room": """
    n Zimmer Zimmers Zimmer = room it; f Küche Küchen = kitchen it; n Büro Büros Büros = office it
    f Garage Garagen = garage it; m Keller Kellers Keller = cellar it
    n Badezimmer Badezimmers Badezimmer = bathroom it; f Halle Hallen = hall it
    n Schlafzimmer Schlafzimmers Schlafzimmer = bedroom it
    n Klassenzimmer Klassenzimmers Klassenzimmer = classroom it; f Werkstatt Werkstätten = workshop it +business""",
    "place": """
    m Garten Gartens Gärten = garden it; m Park Parks Parks = park it; f Stadt Städte = city it
    n Dorf Dorfes Dörfer = village it; m Wald Waldes Wälder = forest it; f Kirche Kirchen = church it +building
    n Museum Museums Museen = museum it +building +business; f Schule Schulen = school it +building +business
    m Laden Ladens Läden = shop it +building +business
    n Restaurant Restaurants Restaurants = restaurant it +building +business
    n Hotel Hotels Hotels = hotel it +building +business; f Bibliothek Bibliotheken = library it +building +business
    n Schloss Schlosses Schlösser = castle it +building; n Theater Theaters Theater = theatre it +building +business
    f Scheune Scheunen = barn it +building; f Fabrik Fabriken = factory it +building +business
    n Haus Hauses Häuser = house it +building; n Tal Tales Täler = valley it""",
    "vehicle": """
    n Auto Autos Autos = car it; n Fahrrad Fahrrads Fahrräder = bicycle it +cycle
    n Motorrad Motorrads Motorräder = motorcycle it +cycle; m Lastwagen Lastwagens Lastwagen = truck it
    n Boot Bootes Boote = boat it; m Traktor Traktors Traktoren = tractor it""",
    "transport": """
    m Bus Busses Busse = bus buses it; m Zug Zuges Züge = train it; f Straßenbahn Straßenbahnen = tram it
    n Schiff Schiffes Schiffe = ship it; f Fähre Fähren = ferry it""",
    "plan": """
    m Plan Plans Pläne = plan it; n Projekt Projekts Projekte = project it; m Traum Traums Träume = dream it
    f Idee Ideen = idea it +said; m Vorschlag Vorschlags Vorschläge = proposal it +said +offer""",
    "event": """
    f Prüfung Prüfungen = exam it +test; f Reise Reisen = trip it; n Treffen Treffens Treffen = meeting it
    n Konzert Konzerts Konzerte = concert it; f Hochzeit Hochzeiten = wedding it; n Fest Festes Feste = party it""",
    "speech": """
    f Frage Fragen = question it +said +test; f Aufgabe Aufgaben = task it +test
    f Geschichte Geschichten = story it +text +said; n Gedicht Gedichts Gedichte = poem it +text +said
    n Lied Liedes Lieder = song it +sound; n Angebot Angebots Angebote = offer it +offer
    f Einladung Einladungen = invitation it +offer; f Melodie Melodien = melody it +sound""",
}
"""Class -> `gender singular [genitive] plural = english [english plural] [pronoun]`. A masculine whose genitive equals its plural is
weak. An English plural equal to its singular (trousers) is plural in English and singular in German."""

HOMOGRAPHS = """
    f Fledermaus Fledermäuse = bat it / wild; m Schläger Schlägers Schläger = bat it / wooden
    f Bank Banken = bank it / firm; n Ufer Ufers Ufer = bank it / shore; m Brief Briefes Briefe = letter it / mail
    m Buchstabe Buchstabens Buchstaben = letter it / script; f Brille Brillen = glasses glasses it / spectacles
    n ! Gläser = glass glasses it / filled; n Spiel Spiels Spiele = match matches it / contest
    n Streichholz Streichholzes Streichhölzer = match matches it / flame; m Kran Krans Kräne = crane it / heavy
    m Kranich Kranichs Kraniche = crane it / bird; f Robbe Robben = seal it / sea
    n Siegel Siegels Siegel = seal it / stamp; f Datei Dateien = file it / data; f Feile Feilen = file it / metal
    f Pfeife Pfeifen = pipe it / smoke; n Rohr Rohres Rohre = pipe it / plumbing; f Nuss Nüsse = nut it / edible
    f Schraubenmutter Schraubenmuttern = nut it / metal; f Dattel Datteln = date it / edible
    m Termin Termins Termine = date it / calendar; m Schlüssel Schlüssels Schlüssel = key it / metal
    f Taste Tasten = key it / keyboard; m Bogen Bogens Bögen = bow it / wooden
    f Schleife Schleifen = bow it / ribbon; m Redner Redners Redner = speaker / talker
    m Lautsprecher Lautsprechers Lautsprecher = speaker it / electric
    m Maulwurf Maulwurfs Maulwürfe = mole it / wild; n Muttermal Muttermals Muttermale = mole it / skin
    n Gericht Gerichts Gerichte = court it / law; m Platz Platzes Plätze = court it / sport
    f Rechnung Rechnungen = bill it / money; m Schnabel Schnabels Schnäbel = bill it / beak
    m Panzer Panzers Panzer = tank it / army; m Behälter Behälters Behälter = tank it / plumbing"""
"""One English word is two nouns; one English word; only a predicate of the group after the slash says which. `!`: no singular in this corpus."""

PREDICATES = """
wild be hungry > hungrig
wild sleep/slept in_a_cave > in_einer_Höhle
wild eat/ate insects > Insekten
wild have/had sharp_teeth > scharfe_Zähne
bird be hungry > hungrig
bird lay/laid eggs > Eier
bird have/had a_nest > ein_Nest
sea swim/swam in_the_icy_water > im_eisigen_Wasser
sea eat/ate fish > Fisch
sea dive/dived for_crabs > nach_Krebsen
wooden be made_of_wood > aus_Holz
wooden belong/belonged to_the_athlete > dem_Sportler
wooden be carved_by_hand > von_Hand_geschnitzt
firm close/closed at_noon > am_Mittag
firm be bankrupt > bankrott
firm have/had many_branches > viele_Filialen
shore be muddy > schlammig
shore be covered_with_grass > mit_Gras_bewachsen
shore be under_water > unter_Wasser
mail lie/lay in_the_mailbox > im_Briefkasten
mail have/had four_pages > vier_Seiten
mail come/came by_post > mit_der_Post
script be printed_in_bold > fett_gedruckt
script stand/stood at_the_end_of_the_word > am_Ende_des_Wortes
script be capitalised > großgeschrieben
spectacles have/had thick_lenses > dicke_Linsen
spectacles sit/sat on_the_nose > auf_der_Nase
spectacles belong/belonged to_the_optician > dem_Optiker
filled be full_of_wine > voller_Wein
filled be half_empty > halb_leer
filled stand/stood in_the_dishwasher > in_der_Spülmaschine
contest last/lasted two_hours > zwei_Stunden
contest begin/began in_the_afternoon > am_Nachmittag
contest be sold_out > ausverkauft
flame burn/burnt for_a_few_seconds > einige_Sekunden_lang
flame lie/lay in_the_matchbox > in_der_Streichholzschachtel
flame be damp > feucht
heavy stand/stood on_the_building_site > auf_der_Baustelle
heavy be forty_metres_high > vierzig_Meter_hoch
heavy have/had a_steel_hook > einen_Haken_aus_Stahl
stamp be made_of_wax > aus_Wachs
stamp be on_the_envelope > auf_dem_Umschlag
stamp be forged > gefälscht
data be full_of_viruses > voller_Viren
data be on_the_server > auf_dem_Server (lie)
data have/had ten_megabytes > zehn_Megabyte
metal be rusty > verrostet
metal be made_of_steel > aus_Stahl
metal lie/lay in_the_toolbox > im_Werkzeugkasten
smoke smell/smelt of_tobacco > nach_Tabak
smoke be full_of_tobacco > voller_Tabak
smoke belong/belonged to_the_smoker > dem_Raucher
plumbing leak/leaked >
plumbing be under_the_floor > unter_dem_Boden
plumbing be full_of_water > voller_Wasser
edible taste/tasted good > gut
edible be ripe > reif
edible grow/grew on_the_tree > am_Baum
calendar be in_the_calendar > im_Kalender (stand)
calendar be on_Monday > am_Montag
calendar be cancelled > abgesagt
keyboard be on_the_keyboard > auf_der_Tastatur
keyboard jam/jammed >
keyboard have/had a_symbol > ein_Symbol
ribbon be in_her_hair > in_ihrem_Haar
ribbon be made_of_silk > aus_Seide
ribbon decorate/decorated the_gift > das_Geschenk
talker be hoarse > heiser
talker cough/coughed >
talker speak/spoke too_fast > zu_schnell
electric have/had a_long_cable > ein_langes_Kabel
electric crackle/crackled >
electric be unplugged > ausgesteckt
skin be on_the_cheek > auf_der_Wange
skin be harmless > harmlos
skin itch/itched >
law judge/judged fairly > gerecht
law be convinced > überzeugt
law hear/heard the_witnesses > die_Zeugen
sport be covered_with_sand > mit_Sand_bedeckt
sport be next_to_the_gym > neben_der_Turnhalle
sport have/had a_net > ein_Netz
money be paid > bezahlt
money be due_tomorrow > morgen_fällig
money lie/lay in_the_drawer > in_der_Schublade
beak be pointed > spitz
beak be crooked > krumm
beak belong/belonged to_the_duck > der_Ente
army fire/fired at_the_enemy > auf_den_Feind
army be armoured > gepanzert
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
    judge: urteilen urteilt urteilte geurteilt; hear: an- hören hört hörte angehört
    fire: schießen schießt schoss geschossen; lay: legen legt legte gelegt
    swim: schwimmen schwimmt schwamm geschwommen sein; dive: tauchen taucht tauchte getaucht"""

PARTICLE_VERBS = """
put/put on | clothing | an- ziehen zieht zog angezogen
put/put on | headwear | auf- setzen setzt setzte aufgesetzt
put/put away | tool document clothing textile | weg- räumen räumt räumte weggeräumt
put/put down | bag vessel | ab- stellen stellt stellte abgestellt
put/put down | tool document | hin- legen legt legte hingelegt
put/put back | document tool headwear | zurück- legen legt legte zurückgelegt
put/put back | vessel bag | zurück- stellen stellt stellte zurückgestellt
put/put off | event | verschieben verschiebt verschob verschoben
put/put together | furniture | zusammen- bauen baut baute zusammengebaut
turn/turned on | device | ein- schalten schaltet schaltete eingeschaltet
turn/turned off | device | aus- schalten schaltet schaltete ausgeschaltet
turn/turned down | offer | ab- lehnen lehnt lehnte abgelehnt
turn/turned over | document textile | um- drehen dreht drehte umgedreht
take/took/taken off | clothing | aus- ziehen zieht zog ausgezogen
take/took/taken off | headwear | ab- nehmen nimmt nahm abgenommen
take/took/taken along | bag tool document animal clothing | mit- nehmen nimmt nahm mitgenommen
take/took/taken back | document bag tool clothing device | zurück- bringen bringt brachte zurückgebracht
take/took/taken apart | device furniture vehicle | auseinander- nehmen nimmt nahm auseinandergenommen
take/took/taken over | business plan | übernehmen übernimmt übernahm übernommen
give/gave/given back | document tool bag clothing headwear vehicle | zurück- geben gibt gab zurückgegeben
give/gave/given up | plan | auf- geben gibt gab aufgegeben
give/gave/given away | clothing headwear tool furniture animal | verschenken verschenkt verschenkte verschenkt
bring/brought along | food tool document animal | mit- bringen bringt brachte mitgebracht
bring/brought in | furniture vessel bag | herein- bringen bringt brachte hereingebracht
throw/threw/thrown away | tool document food clothing textile | weg- werfen wirft warf weggeworfen
throw/threw/thrown down | bag tool textile | hinunter- werfen wirft warf hinuntergeworfen
cut/cut up | food textile | zerschneiden zerschneidet zerschnitt zerschnitten
hang/hung up | clothing textile | auf- hängen hängt hängte aufgehängt
look/looked over | document | durch- sehen sieht sah durchgesehen
call/called off | event | ab- sagen sagt sagte abgesagt
call/called up | person | an- rufen ruft rief angerufen
call/called back | person | zurück- rufen ruft rief zurückgerufen
pick/picked up | tool document clothing | auf- heben hebt hob aufgehoben
pick/picked up | person | ab- holen holt holte abgeholt
pick/picked out | furniture headwear | aus- suchen sucht suchte ausgesucht
send/sent off | document | ab- schicken schickt schickte abgeschickt
send/sent back | clothing document device | zurück- schicken schickt schickte zurückgeschickt
send/sent away | person | weg- schicken schickt schickte weggeschickt
write/wrote/written down | said | auf- schreiben schreibt schrieb aufgeschrieben
fill/filled in | form | aus- füllen füllt füllte ausgefüllt
fill/filled up | vessel | auf- füllen füllt füllte aufgefüllt
hand/handed in | text form | ein- reichen reicht reichte eingereicht
hand/handed out | document | aus- teilen teilt teilte ausgeteilt
read/read through | text | durch- lesen liest las durchgelesen
read/read out | text | vor- lesen liest las vorgelesen
eat/ate/eaten up | food | auf- essen isst aß aufgegessen
heat/heated up | dish_of | auf- wärmen wärmt wärmte aufgewärmt
clean/cleaned up | room | auf- räumen räumt räumte aufgeräumt
tear/tore/torn up | document | zerreißen zerreißt zerriss zerrissen
tear/tore/torn down | building | ab- reißen reißt riss abgerissen
try/tried on | clothing headwear | an- probieren probiert probierte anprobiert
try/tried out | device tool vehicle | aus- probieren probiert probierte ausprobiert
set/set up | furniture device | auf- stellen stellt stellte aufgestellt
carry/carried away | furniture bag vessel | weg- tragen trägt trug weggetragen
carry/carried in | furniture bag device | hinein- tragen trägt trug hineingetragen
carry/carried out | plan | aus- führen führt führte ausgeführt
push/pushed away | furniture vehicle | weg- schieben schiebt schob weggeschoben
let/let in | animal person | herein- lassen lässt ließ hereingelassen
let/let out | animal person | hinaus- lassen lässt ließ hinausgelassen
let/let down | person | enttäuschen enttäuscht enttäuschte enttäuscht
wake/woke/woken up | person animal | auf- wecken weckt weckte aufgeweckt
wash/washed up | dish | ab- waschen wäscht wusch abgewaschen
lock/locked up | room building | ab- schließen schließt schloss abgeschlossen
lock/locked in | animal person | ein- sperren sperrt sperrte eingesperrt
drive/drove/driven away | animal | vertreiben vertreibt vertrieb vertrieben
show/showed/shown around | person | herum- führen führt führte herumgeführt
hold/held up | bag document tool | hoch- halten hält hielt hochgehalten
hold/held up | person | auf- halten hält hielt aufgehalten
think/thought over | plan said | überdenken überdenkt überdachte überdacht"""
"""`base/past[/participle] particle | classes and tags of the object | [prefix-] infinitive 3rd-singular preterite participle`."""

TRANSITIVE_VERBS = """
see/saw/seen | any | sehen sieht sah gesehen
find/found | any | finden findet fand gefunden
look/looked ~for | any | suchen sucht suchte gesucht
describe/described | any | beschreiben beschreibt beschrieb beschrieben
draw/drew/drawn | any | zeichnen zeichnet zeichnete gezeichnet
photograph/photographed | any | fotografieren fotografiert fotografierte fotografiert
forget/forgot/forgotten | any | vergessen vergisst vergaß vergessen
need/needed | any | brauchen braucht brauchte gebraucht
buy/bought | clothing headwear device bag tool furniture vehicle | kaufen kauft kaufte gekauft
sell/sold | clothing headwear device furniture vehicle animal building | verkaufen verkauft verkaufte verkauft
steal/stole/stolen | headwear bag vehicle document | stehlen stiehlt stahl gestohlen
repair/repaired | device vehicle furniture | reparieren repariert reparierte repariert
know/knew/known | person building | kennen kennt kannte gekannt
love/loved | person animal | lieben liebt liebte geliebt
meet/met | person | treffen trifft traf getroffen
invite/invited | person | ein- laden lädt lud eingeladen
visit/visited | person building | besuchen besucht besuchte besucht
greet/greeted | person | begrüßen begrüßt begrüßte begrüßt
understand/understood | said person | verstehen versteht verstand verstanden
hide/hid/hidden | bag tool document | verstecken versteckt versteckte versteckt
bake/baked | baked | backen backt backte gebacken
feed/fed | animal | füttern füttert fütterte gefüttert
ride/rode/ridden | mount | reiten reitet ritt geritten sein
ride/rode/ridden | cycle | fahren fährt fuhr gefahren sein
miss/missed | transport event | verpassen verpasst verpasste verpasst
miss/missed | person animal | vermissen vermisst vermisste vermisst
serve/served | dish_of | servieren serviert servierte serviert
serve/served | person | bedienen bedient bediente bedient
run/ran/run | business | leiten leitet leitete geleitet
leave/left | building | verlassen verlässt verließ verlassen
catch/caught | animal | fangen fängt fing gefangen
catch/caught | transport | erreichen erreicht erreichte erreicht
answer/answered | test | beantworten beantwortet beantwortete beantwortet
carry/carried | bag vessel furniture | tragen trägt trug getragen
paint/painted | room furniture | streichen streicht strich gestrichen
paint/painted | person animal | malen malt malte gemalt
sing/sang/sung | sound | singen singt sang gesungen
sign/signed | form | unterschreiben unterschreibt unterschrieb unterschrieben
empty/emptied | bag vessel | leeren leert leerte geleert
admire/admired | person building | bewundern bewundert bewunderte bewundert
help/helped | dat person | helfen hilft half geholfen
thank/thanked | dat person | danken dankt dankte gedankt
follow/followed | dat person animal | folgen folgt folgte gefolgt sein
trust/trusted | dat person | vertrauen vertraut vertraute vertraut
congratulate/congratulated | dat person | gratulieren gratuliert gratulierte gratuliert
answer/answered | dat person | antworten antwortet antwortete geantwortet
forgive/forgave/forgiven | dat person | verzeihen verzeiht verzieh verziehen
listen/listened ~to | dat person | zu- hören hört hörte zugehört
believe/believed | dat person | glauben glaubt glaubte geglaubt
obey/obeyed | dat person | gehorchen gehorcht gehorchte gehorcht"""
"""As above; `~for` stands before the object; `dat`: the object is dative; a last `sein` is the auxiliary."""

PLACING_VERBS = """
put/put | document tool clothing textile | legen legt legte gelegt
put/put | vessel bag device | stellen stellt stellte gestellt
throw/threw/thrown | clothing textile tool | werfen wirft warf geworfen
push/pushed | bag device | schieben schiebt schob geschoben"""
GIVING_VERBS = """
give/gave/given back | document tool bag clothing vehicle | zurück- geben gibt gab zurückgegeben
give/gave/given | document tool bag food animal | geben gibt gab gegeben
show/showed/shown | any | zeigen zeigt zeigte gezeigt
sell/sold | clothing device furniture vehicle animal | verkaufen verkauft verkaufte verkauft
read/read out | text | vor- lesen liest las vorgelesen
lend/lent | tool bag vehicle document | leihen leiht lieh geliehen
send/sent back | document clothing device | zurück- schicken schickt schickte zurückgeschickt
explain/explained | said plan | erklären erklärt erklärte erklärt
bring/brought | food vessel textile | bringen bringt brachte gebracht"""
INTRANSITIVE_VERBS = """
sleep/slept | | schlafen schläft schlief geschlafen
work/worked | | arbeiten arbeitet arbeitete gearbeitet
laugh/laughed | | lachen lacht lachte gelacht
cry/cried | | weinen weint weinte geweint
dance/danced | | tanzen tanzt tanzte getanzt
wait/waited | | warten wartet wartete gewartet
smoke/smoked | | rauchen raucht rauchte geraucht
get/got up | | auf- stehen steht stand aufgestanden sein
come/came/come back | | zurück- kommen kommt kam zurückgekommen sein
fall/fell/fallen asleep | | ein- schlafen schläft schlief eingeschlafen sein
wake/woke/woken up | | auf- wachen wacht wachte aufgewacht sein
give/gave/given up | | auf- geben gibt gab aufgegeben
go/went/gone away | | weg- gehen geht ging weggegangen sein
run/ran/run away | | weg- laufen läuft lief weggelaufen sein"""
SENTENCE_VERBS = """
know/knew/known | that whether | wissen weiß wusste gewusst
believe/believed | that | glauben glaubt glaubte geglaubt
say/said | that | sagen sagt sagte gesagt
hope/hoped | that | hoffen hofft hoffte gehofft
see/saw/seen | that | sehen sieht sah gesehen
hear/heard | that | hören hört hörte gehört
think/thought | that | denken denkt dachte gedacht
forget/forgot/forgotten | that | vergessen vergisst vergaß vergessen
ask/asked | whether | fragen fragt fragte gefragt
claim/claimed | that | behaupten behauptet behauptete behauptet"""
FEELING_VERBS = """
surprise/surprised | person | überraschen überrascht überraschte überrascht
annoy/annoyed | person | ärgern ärgert ärgerte geärgert
worry/worried | person | beunruhigen beunruhigt beunruhigte beunruhigt
bother/bothered | person | stören stört störte gestört"""
"""Verbs whose subject is a clause: That he sleeps, annoys her."""

ADJECTIVES = """
    1 big groß: animal bag device tool furniture room place vehicle vessel homograph
    1 small klein: animal bag device tool furniture room place vehicle vessel food homograph
    1 beautiful schön: clothing headwear furniture room place animal sound homograph
    1 ugly hässlich: clothing headwear furniture vehicle animal homograph
    1 expensive teuer/teur: clothing headwear device bag furniture vehicle
    1 cheap billig: clothing headwear device bag furniture; 1 heavy schwer: bag tool furniture device vessel
    1 strange seltsam: homograph person document plan speech animal tool; 1 light leicht: bag clothing tool textile
    1 light hell: room lamp; 1 bright hell: lamp room; 1 bright klug: person; 1 smart klug: person
    1 smart schick: clothing headwear; 1 hard schwierig: test plan; 1 hard hart: baked seat
    1 soft weich: textile seat; 1 soft leise: sound; 1 dull stumpf: blade; 1 dull langweilig: text event
    1 short klein: person; 1 short kurz: text clothing; 1 poor arm: person animal; 1 poor schlecht: offer said
    1 fine fein: textile clothing; 1 quiet ruhig: person place room; 1 quiet leise: device sound
    1 important wichtig: document plan event; 1 famous berühmt: person building; 1 dangerous gefährlich: animal blade
    1 practical praktisch: tool bag device furniture; 1 friendly freundlich: person; 1 rich reich: person
    1 lazy faul: person animal; 1 brave mutig: person; 1 patient geduldig: person; 1 sad traurig: person sound
    1 tired müde: person animal; 1 sweet süß: baked; 1 wild wild: animal
    1 elegant elegant: clothing headwear furniture; 1 comfortable bequem: seat clothing
    1 empty leer: bag vessel room
    2 old alt: person animal clothing headwear device bag document tool furniture building vehicle homograph
    2 young jung: person animal
    2 new neu: clothing headwear device bag document tool furniture building vehicle plan
    2 used gebraucht: clothing device furniture vehicle; 2 clean sauber: clothing vessel room textile
    2 dirty schmutzig: clothing vessel room textile tool; 2 wet nass: clothing textile tool; 2 fresh frisch: food
    2 dark dunkel/dunkl: room place; 2 modern modern: device building furniture; 2 broken kaputt: device vehicle
    3 red rot: clothing headwear bag vehicle textile furniture
    3 blue blau: clothing headwear bag vehicle textile vessel; 3 green grün: clothing headwear bag vehicle textile
    3 yellow gelb: clothing headwear bag vessel; 3 white weiß: clothing headwear device animal textile furniture
    3 black schwarz: clothing headwear device bag animal vehicle; 3 brown braun: clothing bag furniture
    3 grey grau: clothing headwear bag textile"""
"""`rank english german[/attributive stem]: classes`: adjectives of two ranks may follow each other, in the order of the rank."""

TIMES = {
    "present": "today > heute; every day > jeden Tag; on Sundays > sonntags; at the moment > im Moment; this week > diese Woche",
    "past": """
    yesterday > gestern; last week > letzte Woche; two days ago > vor zwei Tagen; last year > letztes Jahr
    yesterday evening > gestern Abend; on Friday > am Freitag""",
    "future": "tomorrow > morgen; next week > nächste Woche; soon > bald; on Saturday > am Samstag",
}
FREQUENCIES = """
    often > oft; always > immer; sometimes > manchmal; usually > normalerweise"""
MANNERS = """
    carefully > vorsichtig; quickly > schnell; slowly > langsam; secretly > heimlich; immediately > sofort"""
CIRCUMSTANCES = """
    because of the rain > wegen des Regens; despite the cold > trotz der Kälte; during the break > während der Pause
    after lunch > nach dem Mittagessen; before the lesson > vor dem Unterricht"""
CONJUNCTIONS = "because > weil; although > obwohl; before > bevor; while > während; if > wenn"
PLACES = {"room": "in > in", "place": "in > in", "building": "behind > hinter; in front of > vor"}
"""How one stands in a place: all take the dative here."""
DIRECTIONS = {
    "furniture": "under > unter; behind > hinter; next to > neben",
    "seat": "on > auf",
    "store": "into > in",
}
"""Where one puts a thing: the accusative."""
