"""What the law asks of a data library, before a lawyer does: rules, deadlines, profiles of acts."""
