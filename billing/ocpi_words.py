"""What a tariff loses on its way to a partner or from one, in words."""

from django.utils.translation import gettext as _

from .ocpi import Loss


def said(loss: Loss) -> str:
    return {
        Loss.ROUNDED: _("Prices without tax were rounded to four decimals."),
        Loss.GRACE: _("OCPI cannot say the free minutes of the blocking fee."),
        Loss.IDLE_CAP: _("OCPI cannot say the most that blocking costs."),
        Loss.PAUSE: _("OCPI cannot say the night pause of the blocking fee."),
        Loss.HOLIDAYS_NEVER: _("OCPI knows no holidays: a rule that never holds on them is said to hold."),
        Loss.HOLIDAYS_UNKNOWN: _("OCPI knows no holidays, and no region is chosen: the rule for them is left out."),
        Loss.VALIDITY: _("The file says from when until when it holds: say so where the tariff is put in force."),
        Loss.RESERVATION: _("Prices for reservations were left out: they are not charged here."),
        Loss.PROFILE: _("The file is meant for one charging preference of drivers; here it would hold for all."),
    }[loss]
