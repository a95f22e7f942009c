"""What an object says of its own changes: original values, who changed them, when."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is written into every object that is changed (PS3.3 C.12.1.1.9, C.12.1.1.5).

    modifying_system  Modifying System (0400,0563), LO: "pacslift 0.1.0 job NAME"
    revised           the job's `revised` time as DT, "20261122120000+0000"; never the clock
    source            Source of Previous Values (0400,0564), LO: "LEGACY@SITE"; may be empty
    version           Software Versions (0018,1020) in Contributing Equipment
    """

    modifying_system: str
    revised: str
    source: str = ""
    version: str = ""
