"""What a trained run's model is asked afterwards: noise on its held-out clips, and where it places them."""
