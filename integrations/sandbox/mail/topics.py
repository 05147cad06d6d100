"""
Subjects and sentences of generated personal mail.

The sentences of a topic make sense in any order and number.
"""

from typing import NamedTuple


class Topic(NamedTuple):
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]


TOPICS = (
    Topic(
        ("Plans for the workshop", "Workshop: next steps", "Draft of the workshop agenda"),
        (
            "Fourteen people have signed up for the workshop so far, and the room holds sixteen.",
            "I moved the demonstration before lunch, while everybody is still awake.",
            "Could you bring the printed plans and the long extension cord?",
            "The second half is open, so that we can spend it on whatever comes up in the first.",
            "We need one flip chart per table and pens that were not dried out last year.",
            "The caterer asks whether anyone eats no nuts.",
            "I would rather finish at four and keep the discussion for the evening.",
            "Please look at the third exercise: it takes longer than the planned twenty minutes.",
        ),
    ),
    Topic(
        ("The harbour project", "Harbour project: minutes", "Question about the harbour project"),
        (
            "The harbour office confirmed berth 12 for the first two weeks.",
            "The divers looked at the pier and found nothing worse than we expected.",
            "The supplier of the pumps has not confirmed the delivery date yet.",
            "We could save a week if the crane comes on Tuesday instead of Thursday.",
            "The drawings show the old quay wall, so please use the ones from the survey.",
            "The neighbours were invited to the site and asked good questions about the noise.",
            "I put the measured depths into a table and sorted them by section.",
            "The permit covers the night shift, but only until eleven.",
        ),
    ),
    Topic(
        ("Figures for the quarter", "Quarterly report: last questions", "Report for Q3"),
        (
            "The quarterly report is ready except for the table on page four.",
            "Please check whether the travel costs are in the right month.",
            "The numbers for support look better than they are, because two invoices are missing.",
            "I compared the figures with last year and marked what changed by more than a tenth.",
            "Could we show the orders by region as well?",
            "The chart on the first page should start at zero.",
            "Rent went up by three percent, which the budget already included.",
            "I will send the final version as soon as the bank has answered.",
        ),
    ),
    Topic(
        ("The new office", "Moving into the new office", "Keys for the new office"),
        (
            "The keys for the new office are at the reception, one per person.",
            "The large table fits through the door if we take its legs off.",
            "I measured the wall by the window: the shelf is two centimetres too wide.",
            "The painters need one more day for the corridor.",
            "Network sockets are labelled, and the labels are even right.",
            "There is a bakery across the street that opens at six.",
            "We can have the meeting room in the back if we share it on Mondays.",
            "Please pack your desk by noon; the boxes are next to the printer.",
        ),
    ),
    Topic(
        ("Trip to Lisbon", "Lisbon: where we could stay", "Train or plane to Lisbon?"),
        (
            "I found a flat near the tram line with a balcony that faces the river.",
            "The morning flight is cheaper, and we would have the whole afternoon.",
            "The museum is closed on Mondays, so let us do the castle first.",
            "Could you ask your sister which restaurant she meant?",
            "I booked two seats near the window.",
            "The guide says that the hills are steeper than the map admits.",
            "We should take the small bags, the lift in the house is broken.",
            "I would like one day without any plan at all.",
        ),
    ),
    Topic(
        ("Choir on Thursday", "Choir: the concert", "New pieces for the choir"),
        (
            "We rehearse in the parish hall on Thursday, because the school is being cleaned.",
            "The altos have the melody in the second verse and should enjoy it.",
            "Please learn the Latin text by heart, the conductor wants to see our eyes.",
            "The church is booked for the concert, and the organ has been tuned.",
            "We still need two tenors and somebody who can turn pages.",
            "I copied the scores, they are in the blue folder.",
            "After the rehearsal we go to the place on the corner, as always.",
            "The recording of the last concert is better than I remembered.",
        ),
    ),
    Topic(
        ("The roof", "Offer for the roof", "Roof: when the carpenter comes"),
        (
            "The carpenter says that the beams are sound, only the battens have to go.",
            "There are now two offers for the roof, and they differ by a factor of two.",
            "It drips into the second bucket only when the wind is from the west.",
            "The scaffolding comes at the beginning of the week and stays for three.",
            "We could insulate it at the same time, the subsidy pays for a quarter.",
            "I took photos of the chimney from the neighbour's window.",
            "The tiles that we like are delivered in eight weeks.",
            "Please move the car, the truck needs the whole yard.",
        ),
    ),
    Topic(
        ("The garden while we are away", "Key and garden", "Watering the garden"),
        (
            "Our garden needs water while we are away, the tomatoes every evening.",
            "The key is with the neighbour in the blue house.",
            "Please eat whatever is ripe; the beans do not wait.",
            "The hose leaks a little at the tap, which the roses appreciate.",
            "If it rains, the barrel fills by itself and you have a day off.",
            "The cat belongs to nobody and will tell you otherwise.",
            "We are back on Sunday night and bring you something with olives.",
            "There is a list on the kitchen door, in the order of importance.",
        ),
    ),
    Topic(
        ("The archive", "Sorting the archive", "Scans from the archive"),
        (
            "I scanned the first three boxes of the archive, up to the letter F.",
            "The contracts before the merger are in another building.",
            "Half of the photographs have names on the back, and I typed them in.",
            "We may keep the ledgers, but somebody has to dust them.",
            "The old price lists are wonderful; should we frame one?",
            "Box eleven contains a typewriter and no explanation.",
            "I suggest that we throw away the duplicates and keep a note of them.",
            "The reading room is free on Friday morning.",
        ),
    ),
    Topic(
        ("Onboarding next month", "Welcome plan", "Onboarding: who shows what"),
        (
            "Two new colleagues begin next month, one in support and one in sales.",
            "The laptops arrive a week before, so there is time to set them up.",
            "I wrote a page with the ten questions that everyone asks in the first week.",
            "Could you show them the ticket system on the second day?",
            "Let us put the welcome lunch on Wednesday, when most of us are in.",
            "The accounts are requested, the badges are not.",
            "Last time the tour of the building took an hour and nobody found the exit.",
            "They should listen to a few calls before they take their own.",
        ),
    ),
    Topic(
        ("Order 2026-1187", "Question about order 2026-1187", "Delivery of 2026-1187"),
        (
            "Order 2026-1187 has left the warehouse in two parcels.",
            "The second parcel contains the brackets, without which the first is useless.",
            "The delivery note lists six, and we counted five.",
            "Could you ask the supplier for a new date and a credit note?",
            "The customer needs it by the end of next week at the latest.",
            "I have put the wrong size aside, they will collect it.",
            "The invoice went to the old address again.",
            "If they send the missing one by courier, we can still install on Friday.",
        ),
    ),
    Topic(
        ("Photos from the birthday", "The birthday", "Presents for the birthday"),
        (
            "Here are the photos from the birthday; the blurred ones are art.",
            "Everybody asked for the recipe of the cake with the plums.",
            "Grandfather danced, and we have proof.",
            "The speech was short, and the applause for that was long.",
            "I still have somebody's umbrella, it is green and has a wooden handle.",
            "The children built a tower from the presents before anyone could open them.",
            "Thank you for staying to wash up.",
            "Next year we rent the hall with the larger kitchen.",
        ),
    ),
)

#: Sentences for every topic.
COMMON_SENTENCES = (
    "Let me know whether that suits you.",
    "I will call them tomorrow morning and write to you as soon as I hear more.",
    "Thanks again for your help yesterday.",
    "There is still one open question, but it can wait until we talk.",
    "If next week is better for everyone, we can move it.",
    "I have added my comments to the document.",
    "Please tell me if I forgot somebody.",
    "We can decide that on the phone, it takes five minutes.",
    "That is all I know at the moment.",
    "I would be glad if you could have a look before Thursday.",
    "Nothing of this is urgent.",
    "Please do not print it yet, there will be another version.",
    "I think we agreed on this last time, but I could not find my notes.",
    "Both ways are fine with me, I only need to know which.",
    "You were right about the date, by the way.",
    "I have asked the others as well and will collect the answers.",
)

GREETINGS = ("Hello {}", "Hi {}", "Dear {}", "Good morning {}")
CLOSINGS = ("Best", "Kind regards", "See you soon", "Thanks", "All the best")
