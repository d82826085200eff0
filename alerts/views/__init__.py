"""Pages of this room. `incidents`, `duty`, `contacts`, `report`: for operators; `links`: behind keys of messages."""
