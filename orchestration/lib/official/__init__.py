"""The official sources, jobindsats.dk and Statistics Denmark: clients, and what they fetch made into deliveries.

Here belongs: asking the two services, reading their answers, writing deliveries into the landing zone, and the status
of each source. Not here: loading (the deliveries go the same way as all others) and staging (dbt).
"""
