"""A prison's relay: it carries out what the centre ordered, on its prison's devices alone.

It is a workspace like the centre's, with a registry of its prison's devices, an authority of its
own for the restricted lane, and the public half of the key that signs whom to trust. What comes
over the broker is signed by the centre; requests are judged again here by who signed them; and each
device judges for itself. So a broker can withhold, and nothing else.
"""
