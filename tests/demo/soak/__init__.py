"""Hours of life, compressed: `scripts/soak`. A real Home Assistant with devices of all four systems, and what may go wrong.

**What happens.** Each device logs events in dense bursts all the time. A life of Home Assistant begins with its start;
it waits until the newest event is reported, lets a visitor ring at each device, commands doors, outputs, and calls, and then
faults are put on devices (connections reset, network cut, black hole, 500, 503, 401 once, lost answer, reboot, kill of the
device's process) and entries are reloaded. It ends by SIGTERM or SIGKILL, with visitors at its end and while it is dead.
Every choice comes from `--seed`; the times of the machine differ from run to run.

**Who keeps the books.** The devices. The 2N and the Akuvox write each record to a file (`--state`), which survives a kill of
them. The servers of MX Proxy and SmartYard keep their call log and history in memory; their processes are not killed but
restart their network and sessions. A record is known by what the device gives it: number and time (2N), number (Akuvox, MX
Proxy), ID (SmartYard). Visitors are noted with their time when they press. Doors are counted by the devices: activations,
openings, opened doors.

**The witness.** An integration in the same Home Assistant writes each event of the bus to a file before the next one is
handled, so a kill takes nothing of it back (`tests/demo/witness.py`). In each long life, a websocket client hears the events as well
and is compared with the witness when all is quiet. The recorder's database is compared with the witness at the end; it may lack
the last seconds before a kill.

**What is counted.**

- *lost*: a record in a book that the witness does not have. The log of a new entry begins at its first read, so for Akuvox, MX
  Proxy, and SmartYard, records count from the first one that is reported; those of the 2N count from the moment the entry is there.
  A 2N that reboots forgets its log: before a reboot with Home Assistant alive, all is reported first; in one with Home Assistant
  dead, what it forgot is not counted.
- *doubled*: a record that the witness has twice. It may be, if the first telling was at most a second before a SIGKILL (and what a
  write takes), the second one is late, and both have the same ID. Any other fails the run.
- *old rings*: a bell that rings though no visitor pressed within the seconds before.
- *fresh rings missed*: a visitor pressed while Home Assistant ran and the device was well, and the bell did not ring.
- *wrong door moves*: a door moved without a command, twice for one, not at all for one that succeeded (but for a door that is
  open already), or in the other direction. A command that fails or is cut off by a kill moves it once or never.
- *leaks*: in equal states (everything loaded, all reported, quiet) after each of several rounds of reloads and faults in one life, the
  process of Home Assistant holds more tasks, listeners, timers, threads, sockets, or files than before, by at least one for each
  reload of an entry, or 5 MiB more memory for each round.

A run also fails on an error or traceback of the integration in the log of Home Assistant, an entry that is not loaded, or a question
for credentials at the end. A failed run says which record of which device, with its times, and keeps all files in a directory that it names.
"""
